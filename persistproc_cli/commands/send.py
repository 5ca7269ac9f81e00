"""``persistproc send``."""

from __future__ import annotations

from ..arguments import Arguments, Command, Option
from ..oneline import one_line
from ..output import print_document, say
from ..targets import FORCE_OPTION, REASON_OPTION, act_params

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    name, text = arguments.words
    newline = not arguments.flag("--no-newline")
    with context.connect() as client:
        reply = client.send_process_input(**act_params(name, arguments), input=text, newline=newline)
    if context.json:
        print_document(reply)
    else:
        say(f"{reply['bytes']} bytes sent to {one_line(reply['project'])}/{one_line(reply['name'])}")
    return 0


COMMAND = Command(
    "send",
    "NAME TEXT",
    "Write a line to a process's standard input.",
    _run,
    options=(Option("--no-newline", help="send the text without a newline"), FORCE_OPTION, REASON_OPTION),
    words=(2, 2),
    examples=("persistproc send vite r", "persistproc send app -- -v"),
)
