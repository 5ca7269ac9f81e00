"""``persistproc attach``."""

from __future__ import annotations

import signal

from ..arguments import Arguments, Command, Option, UsageError
from ..attach.keys import DEFAULT_KEY
from ..output import note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import ProcessInfo

    from ..attach.keys import DetachKey
    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    from ..attach.keys import DetachKey
    from ..attach.session import attach, check_attachable
    from ..interrupts import Interrupted, Interrupts

    key = DetachKey(arguments.text("--detach-key") or DEFAULT_KEY)
    if context.json:
        raise UsageError("attach is for people and has no --json", hint="see: persistproc help logs")
    interrupts = Interrupts(signal.SIGQUIT)
    with context.connect() as client:
        try:
            with interrupts:
                process = client.get_process_status(process=arguments.words[0])
        except Interrupted as interrupted:
            return 128 + interrupted.number
        check_attachable(process)
        _announce(process, key)
        return attach(context, client, process, interrupts, key)


def _announce(process: ProcessInfo, key: DetachKey) -> None:
    from ..words import address

    name = f"{address(process)} (pid {process['pid']})"
    if not process["tty"]:
        note(f"attached to {name} line by line, for it has no terminal; Ctrl-C leaves it running")
    elif key.label:
        note(f"attached to {name}; {key.label} leaves it running (twice quickly: the key goes to it)")
    else:
        note(f"attached to {name}; every key goes to it")


COMMAND = Command(
    "attach",
    "NAME",
    "Type to a process and see what it prints, as if it ran in this terminal.",
    _run,
    options=(Option("--detach-key", value="KEY", help="ctrl-X or none; Ctrl-\\ unless said otherwise"),),
    words=(1, 1),
    examples=("persistproc attach web", "persistproc attach --detach-key ctrl-] db", "echo y | persistproc attach web"),
    notes=(
        "A process that was started with --tty gets every key, also Ctrl-C, and the size of this terminal; when\n"
        "several are attached, of the one that came or changed last. The detach key leaves it running; pressed twice\n"
        "within 0.3 s it goes to the process. What fills the screen is drawn anew; else the last lines come first.\n"
        "A process without a terminal gets whole lines. Ctrl-C, Ctrl-\\ and Ctrl-D leave it and do not touch it.\n"
        "At the end of a pipe on standard input its output is shown on, until it ends.\n"
        "The exit code is the process's own when it ends, 128 + N when signal N ended it, and 0 after a detach."
    ),
)
