"""``persistproc start``: start or join, without showing the output."""

from __future__ import annotations

from ..arguments import Arguments, Command
from ..launch import START_OPTIONS, start_process
from ..oneline import one_line
from ..output import note, print_document, say
from ..waited import Wait, check_ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

__all__ = ["COMMAND", "start"]


def start(context: Context, arguments: Arguments) -> int:
    """Start or join; one line tells the name, the pid and how to see the output."""
    wait = Wait(arguments)
    with context.connect() as client:
        reply = start_process(context, client, arguments, wait)
        wait.complete(client, reply)
    if context.json:
        print_document(reply)
    check_ready(reply)
    if context.json:
        return 0
    from ..limits import limit_lines
    from ..words import address, difference_lines, port_lines, ready_words

    name = one_line(address(reply))
    verb = "already runs" if reply["already_running"] else "started"
    how = "attach to it" if reply["tty"] else "see its output"
    come = f"{how} with: persistproc {'attach' if reply['tty'] else 'logs -f'} {name}"
    if reply["readiness"] is None:
        say(f"{name} {verb} (pid {reply['pid']}); {come}")
    else:
        say(f"{name} {verb} (pid {reply['pid']}), {ready_words(reply['readiness'])}")
        note(come)
    for line in (*port_lines(reply), *limit_lines(reply)):
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
    examples=(
        "persistproc start npm run dev",
        "persistproc start --name db -- postgres -D data",
        "persistproc start --wait --ready-url http://localhost:8000/health -- uvicorn app:app",
    ),
    notes=(
        "The words are read as by run. The command has been executed when this returns.\n"
        "With --wait it is ready: as --ready-... says, else when it listens on its --port, else at the first sign (a\n"
        "port, a URL that it prints, silence after its first output, its end with code 0).\n"
        "Otherwise the error in its output is told; exit code 1, or 124 when the time is up: it runs on then."
    ),
)
