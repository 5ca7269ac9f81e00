"""Waiting after a start until there is something to tell: what was asked for, else whether it is ready."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

import anyio
import anyio.to_thread

from persistproc_core.errors import InvalidParams, WaitFailed, WaitTimedOut
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
    readiness: Readiness | None = None
    """What was seen of its readiness, where the wait was for that."""
    seconds: float = 0.0
    """How long it took."""


async def check_conditions(call: Call) -> None:
    """Refuse what nobody can wait for: once something was started, it is too late for that. Raises `InvalidParams`."""
    conditions = asked(call, *ASKED, "timeout_seconds")
    if conditions.get("port") == 0:
        del conditions["port"]
    validate_params(METHODS["wait_for_process"], {**conditions, "process": "any"})
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
    wanted = given(call, *ASKED)
    if wanted.get("port") == 0 or (len(wanted) == 1 and info["assigned_ports"]):
        wanted.pop("port", None)
    return wanted


async def _wait(call: Call, info: ProcessInfo, conditions: dict[str, object], seconds: float) -> Outcome:
    params = {**common(call, info["project_directory"]), "process": info["name"], "timeout_seconds": seconds}
    params |= conditions
    try:
        met = await call.hub.client.wait_for_process(**cast("WaitForProcessParams", params))
        return Outcome(asked=True, met=met, readiness=met["readiness"])
    except WaitFailed as failed:
        return Outcome(asked=True, failed=failed, readiness=readiness_in(failed.data))
    except WaitTimedOut as late:
        return Outcome(asked=True, late=late, readiness=readiness_in(late.data))


def readiness_in(data: Mapping[str, object]) -> Readiness | None:
    """What an error of a wait for readiness holds."""
    found = data.get("readiness")
    return cast("Readiness", found) if isinstance(found, dict) else None
