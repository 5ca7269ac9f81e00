"""``persistproc signal``."""

from __future__ import annotations

from ..arguments import Arguments, Command, Option
from ..oneline import one_line
from ..output import print_document, say
from ..targets import FORCE_OPTION, REASON_OPTION, act_params
from ..words import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    name, signal = arguments.words
    to: Literal["leader", "group"] = "leader" if arguments.flag("--leader") else "group"
    with context.connect() as client:
        reply = client.signal_process(**act_params(name, arguments), signal=signal, to=to)
    if context.json:
        print_document(reply)
    else:
        say(f"{one_line(signal)} sent to {one_line(address(reply))}")
    return 0


COMMAND = Command(
    "signal",
    "NAME SIGNAL",
    "Send a signal to a process and its group.",
    _run,
    options=(Option("--leader", help="only to the first process, not to its group"), FORCE_OPTION, REASON_OPTION),
    words=(2, 2),
    examples=("persistproc signal web HUP", "persistproc signal web USR1 --leader"),
)
