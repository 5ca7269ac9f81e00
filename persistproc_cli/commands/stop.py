"""``persistproc stop``."""

from __future__ import annotations

from ..adopted import YES_OPTION, Consent
from ..arguments import Arguments, Command, Option
from ..oneline import one_line
from ..targets import ALL_OPTION, REASON_OPTION, STOP_OPTIONS, act, targets
from ..words import address, counted, ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import StopReply

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    consent = Consent(arguments, "stop")
    with context.connect() as client:

        def stop(name: str) -> StopReply:
            return client.stop_process(**consent.params(name), leave_escaped=arguments.flag("--leave-escaped"))

        return act(context, targets(context, client, arguments), stop, _describe, consent)


def _describe(reply: StopReply) -> str:
    name = one_line(address(reply))
    if reply["already_stopped"]:
        return f"{name} was not running"
    if reply["state"] != "stopped" and not reply["stopped_pids"]:
        return f"{name} {ending(reply)}; it is not started again"
    by = f" ({reply['ended_by']})" if reply["ended_by"] else ""
    count = len(reply["stopped_pids"])
    return f"{name} stopped{by}" + (f", {counted(count, 'process')}" if count > 1 else "")


COMMAND = Command(
    "stop",
    "NAME... | --all",
    "Stop processes and everything they started; returns when nothing of them is left.",
    _run,
    options=(
        *STOP_OPTIONS,
        Option("--leave-escaped", help="spare processes that left the session (a browser, a helper of their own)"),
        ALL_OPTION,
        REASON_OPTION,
        YES_OPTION,
    ),
    words=(0, None),
    examples=("persistproc stop web", "persistproc stop --signal INT --grace 30 api", "persistproc stop --all"),
    notes="A process is named by name, project/name, pid, or its command. Stopping what does not run is fine.",
)
