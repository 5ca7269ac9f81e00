"""``persistproc restart``."""

from __future__ import annotations

import os

from ..adopted import YES_OPTION, Consent
from ..arguments import Arguments, Command
from ..oneline import one_line
from ..output import note
from ..targets import ALL_OPTION, REASON_OPTION, STOP_OPTIONS, act, targets
from ..waited import WAIT_OPTIONS, Wait, check_ready
from ..words import address, ready_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import AwaitOptions, RestartReply

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    consent, asked = Consent(arguments, "restart"), Wait(arguments)
    with context.connect() as client:

        def restart(name: str, *, wait: bool = False) -> RestartReply:
            options: AwaitOptions = {"wait": wait}
            asked.take(options)
            reply = client.restart_process(**consent.params(name), **options, environment=dict(os.environ))
            if asked.wanted:
                asked.complete(client, reply)
                check_ready(reply)
            return reply

        names = targets(context, client, arguments)
        if not arguments.flag("--all"):
            return act(context, names, restart, _describe, consent)
        from ..project.in_order import InOrder, needs_of

        ordered = InOrder(names, needs_of(client), restart)
        return act(context, ordered.names, ordered, _describe, consent)


def _describe(reply: RestartReply) -> str:
    name = one_line(address(reply))
    if reply["environment_from"] != "run":
        whose = "yours" if reply["environment_from"] == "caller" else "the daemon's"
        note(f"{name}: its environment was not known any more; the new run has {whose}")
    ready = "" if reply["readiness"] is None else f", {ready_words(reply['readiness'])}"
    return f"{name} restarted (run {reply['run']}, pid {reply['pid']}){ready}"


COMMAND = Command(
    "restart",
    "NAME... | --all",
    "Start processes again with the same command, directory and environment; running or ended.",
    _run,
    options=(*STOP_OPTIONS, ALL_OPTION, *WAIT_OPTIONS, REASON_OPTION, YES_OPTION),
    words=(0, None),
    examples=("persistproc restart web", "persistproc restart --wait web api"),
    notes=(
        "The new run starts after the old one is gone. When nobody knows the old environment any more (the process\n"
        "ended, and the daemon was restarted since), the new run gets yours, and the answer says so.\n"
        "With --all each waits until what it needs, by the project's file, is ready again. What the file says now is\n"
        "not looked at beyond that: persistproc up restarts what has changed in it."
    ),
)
