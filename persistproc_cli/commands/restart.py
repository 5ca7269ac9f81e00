"""``persistproc restart``."""

from __future__ import annotations

import os

from ..arguments import Arguments, Command
from ..oneline import one_line
from ..output import note
from ..targets import ALL_OPTION, REASON_OPTION, STOP_OPTIONS, act, act_params, stop_options, targets
from ..words import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import RestartReply

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    with context.connect() as client:

        def restart(name: str) -> RestartReply:
            options = stop_options(arguments)
            return client.restart_process(**act_params(name, arguments), **options, environment=dict(os.environ))

        return act(context, targets(context, client, arguments), restart, _describe)


def _describe(reply: RestartReply) -> str:
    name = one_line(address(reply))
    if reply["environment_from"] != "run":
        whose = "yours" if reply["environment_from"] == "caller" else "the daemon's"
        note(f"{name}: its environment was not known any more; the new run has {whose}")
    return f"{name} restarted (run {reply['run']}, pid {reply['pid']})"


COMMAND = Command(
    "restart",
    "NAME... | --all",
    "Start processes again with the same command, directory and environment; running or ended.",
    _run,
    options=(*STOP_OPTIONS, ALL_OPTION, REASON_OPTION),
    words=(0, None),
    examples=("persistproc restart web", "persistproc restart web api"),
    notes=(
        "The new run starts after the old one is gone. When nobody knows the old environment any more (the process\n"
        "ended, and the daemon was restarted since), the new run gets yours, and the answer says so."
    ),
)
