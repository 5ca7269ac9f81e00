"""Waiting after a start until there is something to tell: what was asked for, a port, silence, the end."""

from __future__ import annotations

from typing import NamedTuple, cast

import anyio
import anyio.to_thread

from persistproc_core.errors import InvalidParams, WaitFailed, WaitTimedOut
from persistproc_core.protocol import METHODS, ProcessInfo, WaitForProcessParams, WaitReply
from persistproc_core.validation import validate_params

from .calling import asked, beating, common, given, number, text
from .tool import Call

__all__ = ["ASKED", "Outcome", "check_conditions", "until_ready"]

ASKED = ("output", "port", "url")
"""The arguments that say what to wait for."""

_DEFAULT_SECONDS = 10.0
_MOST_SECONDS = 50.0
_QUIET_SECONDS = 2.0
_SAID_SECONDS = 0.5


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


async def check_conditions(call: Call) -> None:
    """Refuse what nobody can wait for: once something was started, it is too late for that. Raises `InvalidParams`."""
    validate_params(METHODS["wait_for_process"], {**asked(call, *ASKED, "timeout_seconds"), "process": "any"})
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
    """Wait as long as the call allows; ``since``, on anyio's clock, is when it began."""
    wanted = given(call, *ASKED)
    # What came before, the end of an old run, may have taken long: no client waits more than a minute.
    left = max(0.0, _MOST_SECONDS - (anyio.current_time() - since))
    seconds = min(number(call, "timeout_seconds", _DEFAULT_SECONDS), round(left, 1))
    if not wanted and seconds == 0:
        return Outcome(asked=False)
    words = f"waiting for {info['name']}"
    began = anyio.current_time()
    outcome = await beating(call, seconds, words, lambda: _waited(call, info, wanted, seconds), since=since)
    return outcome._replace(seconds=anyio.current_time() - began)


async def _waited(call: Call, info: ProcessInfo, wanted: dict[str, object], seconds: float) -> Outcome:
    if wanted:
        return await _wait(call, info, wanted, seconds)
    # Nobody said what ready means. A port is the best sign; a program without one is up when it has printed something
    # and is quiet.
    began = anyio.current_time()
    first = await _wait(call, info, {"any_port": True, "exit": True, "output": "."}, seconds)
    left = max(0.0, seconds - (anyio.current_time() - began))
    if first.met is not None and first.met["met"] == "port":
        # Servers say where they listen just after they do; the answer is to have it.
        await _wait(call, info, {"exit": True, "output": "."}, min(left, _SAID_SECONDS))
    if first.met is None or first.met["met"] != "output":
        return first._replace(asked=False)
    then = await _wait(call, info, {"any_port": True, "exit": True, "idle_seconds": _QUIET_SECONDS}, left)
    return then._replace(asked=False)


async def _wait(call: Call, info: ProcessInfo, conditions: dict[str, object], seconds: float) -> Outcome:
    params = {**common(call, info["project_directory"]), "process": info["name"], "timeout_seconds": seconds}
    params |= conditions
    try:
        return Outcome(asked=True, met=await call.hub.client.wait_for_process(**cast("WaitForProcessParams", params)))
    except WaitFailed as failed:
        return Outcome(asked=True, failed=failed)
    except WaitTimedOut as late:
        return Outcome(asked=True, late=late)
