"""``persistproc mark``: a named place in all logs of the project."""

from __future__ import annotations

from ..arguments import Arguments, Command, Option, UsageError
from ..oneline import one_line
from ..output import note, print_document, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    if arguments.flag("--list"):
        if arguments.words:
            raise UsageError("--list takes no name")
        return _list(context)
    if not arguments.words:
        raise UsageError("which name shall the mark have?", hint="persistproc mark before-edit; marks: mark --list")
    with context.connect() as client:
        mark = client.set_mark(name=arguments.words[0])
    if context.json:
        print_document(mark)
    else:
        name = one_line(mark["name"])
        say(
            f"mark {name} set in {one_line(mark['project'])}; what comes after it: persistproc logs --since mark:{name}"
        )
    return 0


def _list(context: Context) -> int:
    with context.connect() as client:
        reply = client.list_marks()
    if context.json:
        print_document(reply)
        return 0
    if not reply["marks"]:
        note("no marks in this project; set one with: persistproc mark NAME")
        return 0
    from ..render import table
    from ..times import duration, seconds_since

    rows = [
        [one_line(mark["name"]), f"{duration(seconds_since(mark['time']))} ago", mark["time"]]
        for mark in reply["marks"]
    ]
    say(table(["NAME", "SET", "TIME"], rows))
    return 0


COMMAND = Command(
    "mark",
    "NAME | --list",
    "Name the present end of all logs of this project, to ask later what came after it.",
    _run,
    options=(Option("--list", "-l", help="list the marks of this project"),),
    words=(0, 1),
    examples=(
        "persistproc mark before-edit",
        "persistproc logs --since mark:before-edit",
        "persistproc wait web --output 'compiled|error' --since mark:before-edit",
    ),
    notes="Setting a mark again moves it. Marks outlive the daemon.",
)
