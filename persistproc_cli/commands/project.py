"""``persistproc project``: what the project's file says, and what of it runs."""

from __future__ import annotations

from ..arguments import Arguments, Command, Option, UsageError
from ..oneline import one_line, short_directory
from ..output import note, print_document, say
from ..project.allowing import standing
from ..project.rows import need_words
from ..render import make_room, state_colour, state_words, table
from ..terminal import colours, is_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import GetProjectParams, ProjectProcess, ProjectReply

    from ..context import Context

__all__ = ["COMMAND"]

_TITLES = ("STATE", "NAME", "PORTS", "NEEDS", "UP", "COMMAND")
_DROPPED = ("COMMAND", "NEEDS", "PORTS")
"""Left out of a narrow terminal, in this order: what is to be done is what one looks for."""
_LEAST_FOR_COMMAND = 10
_ACTIONS = {"none": "-", "start": "starts", "restart": "restarts"}


def _run(context: Context, arguments: Arguments) -> int:
    if arguments.flag("--schema"):
        if arguments.words:
            raise UsageError("--schema takes no names", hint="it is the same for every project")
        return _print_schema()
    params: GetProjectParams = {"names": arguments.words} if arguments.words else {}
    with context.connect() as client:
        project = client.get_project(**params)
    if context.json:
        print_document(project)
        return 0
    _tell(project)
    return 0


def _print_schema() -> int:
    import json

    from persistproc_core.project_file.schema_document import schema_document

    say(json.dumps(schema_document(), indent=1))
    return 0


def _tell(project: ProjectReply) -> None:
    import sys

    say(f"{one_line(project['project'])}, by {one_line(short_directory(project['file']))}")
    rows = [_row(process) for process in project["processes"]]
    paints = [_colour(process) for process in project["processes"]] if colours(sys.stdout) else []
    if rows:
        titles = [*_TITLES]
        if is_terminal(sys.stdout):
            make_room(titles, rows, _DROPPED, _LEAST_FOR_COMMAND)
        say(table(titles, rows, first_column=paints))
    for process in project["processes"]:
        for change in process["changes"]:
            note(f"{process['name']} has changed: {change}")
    for name in project["removed"]:
        note(f"{name} was started from the file and is no longer in it; persistproc up --remove stops and forgets it")
    if not project["approved"]:
        note(f"the file {standing(project)}; persistproc up shows it and asks")


def _row(process: ProjectProcess) -> list[str]:
    info = process["process"]
    state = "-" if info is None else state_words(info, len(info["survivors"]))
    ports = ", ".join(f"{one_line(name)} {port}" for name, port in process["ports"].items())
    action = _ACTIONS[process["action"]]
    if process["optional"] and process["action"] != "restart":
        action = "by name"
    return [
        state,
        one_line(process["name"]),
        ports or "-",
        need_words(process["needs"]) or "-",
        action,
        one_line(process["command"]),
    ]


def _colour(process: ProjectProcess) -> str:
    info = process["process"]
    return "dim" if info is None else state_colour(info, len(info["survivors"]))


COMMAND = Command(
    "project",
    "[NAME | TAG ...]",
    "Show what the project's file says, what of it runs, and what persistproc up would do with each.",
    _run,
    options=(Option("--schema", help="print the JSON Schema of persistproc.toml, for editors"),),
    words=(0, None),
    examples=("persistproc project", "persistproc project --json"),
    notes=(
        "UP: starts, restarts (it differs from the file), - (it stays as it is), by name (it is optional: started\n"
        "only when it is named, by a tag, or because something needs it)."
    ),
)
