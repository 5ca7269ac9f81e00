"""``--wait``: say what came of a start or restart, and fail when the process did not become ready."""

from __future__ import annotations

import time

from persistproc_core.errors import PersistprocError, WaitFailed, WaitTimedOut

from .arguments import Arguments, Option, UsageError
from .durations import seconds_in
from .oneline import one_line
from .words import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import AwaitOptions, Readiness, RestartReply, StartReply, WaitForProcessParams

__all__ = ["WAIT_OPTIONS", "Wait", "check_ready"]

WAIT_OPTIONS = (
    Option("--wait", "-w", help="return when it is ready, or with an error that tells why not"),
    Option("--timeout", value="TIME", help="with --wait: how long at most (else as it was started to be, or 30s)"),
)
_EXPECTED = ("ready", "exited")


class Wait:
    """What the options say, and the wait itself."""

    def __init__(self, arguments: Arguments) -> None:
        """Raises `UsageError`."""
        self.wanted = arguments.flag("--wait")
        self._seconds = seconds_in(arguments, "--timeout")
        self._began = time.monotonic()
        if self._seconds is not None and not self.wanted:
            raise UsageError("--timeout says how long --wait waits: give --wait as well")

    def take(self, params: AwaitOptions) -> None:
        """Add what a start or restart is asked: it looks once, and the wait is a question of its own.

        That one goes on when the daemon is killed or replaced meanwhile; a start cannot be asked for a second time.
        """
        if self.wanted:
            params["wait"], params["timeout_seconds"] = True, 0.0

    def complete(self, client: Client, reply: StartReply | RestartReply) -> None:
        """Have the reply say what came of it; that is waited for. Nothing is done where nobody waits."""
        readiness = reply["readiness"]
        if self.wanted and (readiness is None or readiness["outcome"] == "timed_out"):
            reply["readiness"] = self._seen(client, reply)

    def _seen(self, client: Client, reply: StartReply | RestartReply) -> Readiness | None:
        asked: WaitForProcessParams = {
            "process": reply["name"],
            "working_directory": reply["project_directory"],
            "ready": True,
        }
        if self._seconds is not None:
            asked["timeout_seconds"] = max(0.0, self._seconds - (time.monotonic() - self._began))
        try:
            return client.wait_for_process(**asked)["readiness"]
        except (WaitTimedOut, WaitFailed) as error:
            found = error.data.get("readiness")
            if not isinstance(found, dict):
                raise
            return found  # type: ignore[return-value]  # as the protocol declares it


def check_ready(reply: StartReply | RestartReply) -> None:
    """Raise `WaitFailed` or `WaitTimedOut`, with the error in its output, when it did not become ready."""
    readiness = reply["readiness"]
    if readiness is None or readiness["outcome"] in _EXPECTED:
        return
    message = f"{one_line(address(reply))} {_verb(readiness)}{one_line(readiness['words'])}"
    failure: type[PersistprocError] = WaitTimedOut if readiness["outcome"] == "timed_out" else WaitFailed
    data = {"state": reply["state"], "last_lines": readiness["error_lines"], "readiness": readiness}
    raise failure(message, hint=one_line(readiness["hint"] or ""), data=data)


def _verb(readiness: Readiness) -> str:
    return "is " if readiness["outcome"] == "timed_out" else ""
