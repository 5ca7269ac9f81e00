"""``persistproc run``, and ``persistproc COMMAND``: start or join, and show the output."""

from __future__ import annotations

from ..arguments import Arguments, Command, Option, UsageError
from ..launch import START_OPTIONS, start_process
from ..output import print_document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

__all__ = ["COMMAND"]

_ON_EXIT = ("detach", "stop")


def _run(context: Context, arguments: Arguments) -> int:
    on_exit = arguments.text("--on-exit")
    if on_exit is not None and on_exit not in _ON_EXIT:
        raise UsageError(f"--on-exit needs detach or stop, not {on_exit!r}")
    if arguments.flag("--detach"):
        from .start import start

        return start(context, arguments)
    from ..interrupts import Interrupted, Interrupts
    from ..session import Session, announce
    from ..stream import Sinks
    from ..words import address

    interrupts = Interrupts()
    with context.connect() as client:
        try:
            with interrupts:
                reply = start_process(context, client, arguments)
        except Interrupted as interrupted:
            return 128 + interrupted.number
        if context.json:
            print_document(reply)
        announce(reply, address(reply), on_exit)
        return Session(context, client, reply, Sinks(as_json=context.json), interrupts, on_exit).run()


COMMAND = Command(
    "run",
    "[options] [--] COMMAND [ARGUMENTS]",
    "Start a command, or join it when it already runs, and show its output from the first byte.",
    _run,
    options=(
        *START_OPTIONS,
        Option("--detach", "-d", help="do not show the output (the same as start)"),
        Option("--on-exit", value="WHAT", help="what Ctrl-C does, without asking: detach or stop"),
    ),
    words=(1, None),
    command_line=True,
    examples=(
        "persistproc npm run dev",
        "persistproc PORT=4000 npm run dev",
        "persistproc 'cd web && npm run dev'",
        "persistproc run --name api --env-file .env -- uvicorn app:app --reload",
        "persistproc run --on-exit stop -- make watch",
    ),
    notes=(
        "Everything after the command's first word belongs to the command. NAME=value words before it set variables.\n"
        "Exactly one word with blanks or shell syntax is a line of text, as you would type it to a shell.\n"
        "Ctrl-C asks: detach (it runs on), stop, or restart. Without a terminal it detaches.\n"
        "What you type is not passed on to the command; persistproc send NAME TEXT does that.\n"
        "The exit code is the command's own; 128 + N when signal N ended it; 0 after a detach; 130 after Ctrl-C, stop."
    ),
)
