"""``persistproc run``, and ``persistproc COMMAND``: start or join, and show the output."""

from __future__ import annotations

import sys

from ..arguments import Arguments, Command, Option, UsageError
from ..attach.keys import DEFAULT_KEY, DetachKey
from ..launch import START_OPTIONS, start_process
from ..output import print_document
from ..terminal import is_terminal
from ..waited import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import StartReply

    from ..context import Context
    from ..interrupts import Interrupts

__all__ = ["COMMAND"]

_ON_EXIT = ("detach", "stop")


def _run(context: Context, arguments: Arguments) -> int:
    on_exit = arguments.text("--on-exit")
    if on_exit is not None and on_exit not in _ON_EXIT:
        raise UsageError(f"--on-exit needs detach or stop, not {on_exit!r}")
    key = DetachKey(arguments.text("--detach-key") or DEFAULT_KEY)
    if arguments.flag("--wait") and not arguments.flag("--detach"):
        raise UsageError("run shows the output instead of waiting", hint="give --detach as well, or use start --wait")
    if arguments.flag("--detach"):
        from .start import start

        return start(context, arguments)
    wait = Wait(arguments)
    from ..interrupts import Interrupted, Interrupts
    from ..session import Session, announce
    from ..stream import Sinks
    from ..words import address

    interrupts = Interrupts()
    with context.connect() as client:
        try:
            with interrupts:
                reply = start_process(context, client, arguments, wait)
        except Interrupted as interrupted:
            return 128 + interrupted.number
        if reply["tty"] and not context.json and is_terminal(sys.stdout):
            return _attach(context, client, reply, interrupts, key, on_exit)
        if context.json:
            print_document(reply)
        announce(reply, address(reply), on_exit)
        return Session(context, client, reply, Sinks(as_json=context.json), interrupts, on_exit).run()


def _attach(
    context: Context, client: Client, started: StartReply, interrupts: Interrupts, key: DetachKey, on_exit: str | None
) -> int:
    from ..attach.session import attach
    from ..session import announce_terminal

    announce_terminal(started, key.label)
    from_start = not started["already_running"]
    return attach(context, client, started, interrupts, key, by_run=True, from_start=from_start, on_exit=on_exit)


COMMAND = Command(
    "run",
    "[options] [--] COMMAND [ARGUMENTS]",
    "Start a command, or join it when it already runs, and show its output from the first byte.",
    _run,
    options=(
        *START_OPTIONS,
        Option("--detach", "-d", help="do not show the output (the same as start)"),
        Option("--on-exit", value="WHAT", help="what Ctrl-C does, without asking: detach or stop"),
        Option("--detach-key", value="KEY", help="with a terminal: ctrl-X or none; Ctrl-\\ unless said otherwise"),
    ),
    words=(1, None),
    command_line=True,
    examples=(
        "persistproc npm run dev",
        "persistproc PORT=4000 npm run dev",
        "persistproc 'cd web && npm run dev'",
        "persistproc run --name api --env-file .env -- uvicorn app:app --reload",
        "persistproc --tty python3",
        "persistproc run --on-exit stop -- make watch",
    ),
    notes=(
        "Everything after the command's first word belongs to the command. NAME=value words before it set variables.\n"
        "Exactly one word with blanks or shell syntax is a line of text, as you would type it to a shell.\n"
        "Ctrl-C asks: detach (it runs on), stop, or restart. Without a terminal it detaches.\n"
        "What you type is not passed on to the command; persistproc send NAME TEXT does that.\n"
        "With --tty, in a terminal, it is: every key goes to the command, also Ctrl-C, and Ctrl-\\ leaves it running\n"
        "(see: persistproc help attach).\n"
        "The exit code is the command's own; 128 + N when signal N ended it; 0 after a detach; 130 after Ctrl-C, stop."
    ),
)
