"""``persistproc start``: start or join, without showing the output."""

from __future__ import annotations

from ..arguments import Arguments, Command
from ..launch import START_OPTIONS, start_process
from ..oneline import one_line
from ..output import note, print_document, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

__all__ = ["COMMAND", "start"]


def start(context: Context, arguments: Arguments) -> int:
    """Start or join; one line tells the name, the pid and how to see the output."""
    with context.connect() as client:
        reply = start_process(context, client, arguments)
    if context.json:
        print_document(reply)
        return 0
    from ..limits import limit_lines
    from ..words import address, difference_lines

    name = one_line(address(reply))
    verb = "already runs" if reply["already_running"] else "started"
    how = "attach to it" if reply["tty"] else "see its output"
    say(f"{name} {verb} (pid {reply['pid']}); {how} with: persistproc {'attach' if reply['tty'] else 'logs -f'} {name}")
    for line in limit_lines(reply):
        note(line)
    for line in difference_lines(reply["differences"]):
        note(f"differs: {line}")
    if reply["differences"]:
        note("to restart it with what you asked for: --fresh")
    return 0


COMMAND = Command(
    "start",
    "[options] [--] COMMAND [ARGUMENTS]",
    "Start a command, or join it when it already runs, without showing its output.",
    start,
    options=START_OPTIONS,
    words=(1, None),
    command_line=True,
    examples=("persistproc start npm run dev", "persistproc start --name db -- postgres -D data"),
    notes="The words are read as by run. The command has been executed when this returns.",
)
