"""Waiting after a start until there is something to tell: what was asked for, else whether it is ready."""

from __future__ import annotations

from typing import NamedTuple, cast

import anyio
import anyio.to_thread

from persistproc_core.errors import InvalidParams, PersistprocError, WaitFailed, WaitTimedOut
from persistproc_core.protocol import METHODS, ProcessInfo, Readiness, WaitForProcessParams, WaitReply
from persistproc_core.validation import validate_params

from .calling import asked, beating, common, given, number, text
from .tool import Call

__all__ = ["ASKED", "Outcome", "check_conditions", "readiness_in", "until_ready"]

ASKED = ("output", "port", "url")
"""The arguments that say what to wait for."""

_DEFAULT_SECONDS = 10.0
_MOST_SECONDS = 50.0


class Outcome(NamedTuple):
    """How the wait went."""

    asked: bool
    """Whether the caller said what to wait for."""
    met: WaitReply | None = None
    failed: WaitFailed | None = None
    """It ended, or asks for input."""
    late: WaitTimedOut | None = None
    seconds: float = 0.0
    """How long it took."""

    @property
    def readiness(self) -> Readiness | None:
        """What was seen of its readiness, where the wait was for that."""
        if self.met is not None:
            return self.met["readiness"]
        error = self.failed or self.late
        return readiness_in(error) if error is not None else None


async def check_conditions(call: Call) -> None:
    """Refuse what nobody can wait for: once something was started, it is too late for that. Raises `InvalidParams`."""
    conditions = {**asked(call, "timeout_seconds"), **_conditions(call), "process": "any"}
    validate_params(METHODS["wait_for_process"], conditions)
    pattern = text(call, "output")
    if pattern is not None:
        await anyio.to_thread.run_sync(_check_pattern, pattern)


def _check_pattern(pattern: str) -> None:
    # As the daemon reads it; most calls have none, so they need not wait for the import.
    import regex

    try:
        regex.compile(pattern)
    except regex.error as error:
        raise InvalidParams(f"output is not a regular expression: {error}") from None
    except RecursionError:
        raise InvalidParams("output nests too deeply for a regular expression") from None


async def until_ready(call: Call, info: ProcessInfo, since: float) -> Outcome:
    """Wait as long as the call allows; ``since``, on anyio's clock, is when it began.

    The wait is a call of its own: what was started is known then, and it is asked again when the daemon dies.
    """
    wanted = _wanted(call, info)
    # What came before, the end of an old run, may have taken long: no client waits more than a minute.
    left = max(0.0, _MOST_SECONDS - (anyio.current_time() - since))
    seconds = min(number(call, "timeout_seconds", _DEFAULT_SECONDS), round(left, 1))
    if not wanted and seconds == 0:
        return Outcome(asked=False)
    words = f"waiting for {info['name']}"
    began = anyio.current_time()
    conditions = wanted or {"ready": True}
    outcome = await beating(call, seconds, words, lambda: _wait(call, info, conditions, seconds), since=since)
    return outcome._replace(asked=bool(wanted), seconds=anyio.current_time() - began)


def _wanted(call: Call, info: ProcessInfo) -> dict[str, object]:
    """What was asked for. What was started to have a port is ready by that one, also for who meant another."""
    wanted = _conditions(call)
    return {} if [*wanted] == ["port"] and info["assigned_ports"] else wanted


def _conditions(call: Call) -> dict[str, object]:
    """Port 0 is no condition: it is a free one, which nobody knows yet."""
    return {name: value for name, value in given(call, *ASKED).items() if value != 0}


async def _wait(call: Call, info: ProcessInfo, conditions: dict[str, object], seconds: float) -> Outcome:
    params = {**common(call, info["project_directory"]), "process": info["name"], "timeout_seconds": seconds}
    params |= conditions
    try:
        return Outcome(asked=True, met=await call.hub.client.wait_for_process(**cast("WaitForProcessParams", params)))
    except WaitFailed as failed:
        return Outcome(asked=True, failed=failed)
    except WaitTimedOut as late:
        return Outcome(asked=True, late=late)


def readiness_in(error: PersistprocError) -> Readiness | None:
    """What an error of a wait for readiness holds."""
    found = error.data.get("readiness")
    return cast("Readiness", found) if isinstance(found, dict) else None
