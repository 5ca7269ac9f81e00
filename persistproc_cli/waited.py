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
    from persistproc_core.protocol import AwaitOptions, ProcessInfo, Readiness, WaitForProcessParams

__all__ = ["WAIT_OPTIONS", "Wait", "check_ready", "ready_words"]

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

    def params(self) -> AwaitOptions:
        """The parameters of a start or restart: it looks once, and the wait is a question of its own.

        That one goes on when the daemon is killed or replaced meanwhile; a start cannot be asked for a second time.
        """
        return {"wait": True, "timeout_seconds": 0.0} if self.wanted else {}

    def seen(self, client: Client, info: ProcessInfo, readiness: Readiness | None) -> Readiness | None:
        """What came of it, waited for; None: nobody waits."""
        if not self.wanted or (readiness is not None and readiness["outcome"] != "timed_out"):
            return readiness
        asked: WaitForProcessParams = {
            "process": info["name"],
            "working_directory": info["project_directory"],
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


def check_ready(info: ProcessInfo, readiness: Readiness | None) -> None:
    """Raise `WaitFailed` or `WaitTimedOut`, with the error in its output, when it did not become ready."""
    if readiness is None or readiness["outcome"] in _EXPECTED:
        return
    message = f"{one_line(address(info))} {_verb(readiness)}{one_line(readiness['words'])}"
    failure: type[PersistprocError] = WaitTimedOut if readiness["outcome"] == "timed_out" else WaitFailed
    data = {"state": info["state"], "last_lines": readiness["error_lines"], "readiness": readiness}
    raise failure(message, hint=one_line(readiness["hint"] or ""), data=data)


def ready_words(readiness: Readiness) -> str:
    """``ready in 1.2 s: listens on port 3000``, ``done: exited with code 0 after 0.1 s``."""
    seconds = f"{readiness['elapsed_seconds']:.2g} s"
    if readiness["outcome"] == "exited":
        return f"done: {one_line(readiness['words'])} after {seconds}"
    return f"ready in {seconds}: {one_line(readiness['words'])}"


def _verb(readiness: Readiness) -> str:
    return "is " if readiness["outcome"] == "timed_out" else ""
