"""get_project, start_project, stop_project: what a project's file defines, all of it at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar, cast

import anyio

from persistproc_core.errors import DaemonUnavailable
from persistproc_core.protocol import (
    ProcessResult,
    ProjectProcess,
    ProjectReply,
    StartProjectParams,
    StartProjectReply,
    StopProjectParams,
    StopProjectReply,
)

from .calling import beating, common, directory, given, needed_directory, number
from .reading import read
from .text.fence import fenced
from .text.lines import line_texts
from .text.processes import address
from .text.projects import failed_results, project_text, start_text, stop_text
from .tool import Answer, Call

__all__ = ["get_project", "start_project", "stop_project"]

T = TypeVar("T")

_DEFAULT_SECONDS = 45.0
_MOST_LOST = 2


async def get_project(call: Call) -> Answer:
    """A table of what the file defines, and what starting it would do."""
    (got,) = await read(call, ("get_project", {**_project(call), **given(call, "names")}))
    found = cast("ProjectReply", got)
    return Answer(project_text(found), about=_runs(found["processes"]))


async def start_project(call: Call) -> Answer:
    """What became of each; of what failed the error in its output."""
    seconds = number(call, "timeout_seconds", _DEFAULT_SECONDS)
    params = {**_project(call), **given(call, "names", "environment", "restart", "remove", "reason", "force")}
    until = anyio.current_time() + seconds

    async def start() -> StartProjectReply:
        params["timeout_seconds"] = round(max(0.0, until - anyio.current_time()), 1)
        return await call.hub.client.start_project(**cast("StartProjectParams", params))

    reply = await beating(call, seconds, "starting", lambda: _again_when_lost(start))
    parts = [start_text(reply)]
    for result in failed_results(reply["results"]):
        lines = line_texts(result["last_lines"])
        if lines:
            info = result["process"]
            parts.append(fenced(lines, address(info, directory(call)) if info is not None else result["name"]))
    return Answer("\n".join(parts), not reply["ready"], _runs(reply["results"]), tells_change=True)


async def stop_project(call: Call) -> Answer:
    """Answers when nothing of them is left."""
    params = {**_project(call), **given(call, "names", "all", "grace_seconds", "reason", "force")}

    async def stop() -> StopProjectReply:
        return await call.hub.client.stop_project(**cast("StopProjectParams", params))

    reply = await beating(call, None, "stopping", lambda: _again_when_lost(stop))
    failed = bool(failed_results(reply["results"]))
    return Answer(stop_text(reply), failed, _runs(reply["results"]), tells_change=True)


async def _again_when_lost(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again when the daemon died meanwhile: both verbs go on from what is so, and do nothing twice."""
    for _ in range(_MOST_LOST):
        try:
            return await ask()
        except DaemonUnavailable as error:
            if not error.data.get("sent"):
                raise
    return await ask()


def _project(call: Call) -> dict[str, object]:
    """Raises `InvalidParams` when nobody says which one."""
    return common(call, needed_directory(call))


def _runs(parts: Sequence[ProjectProcess] | Sequence[ProcessResult]) -> tuple[str, ...]:
    """Those runs that an answer is about."""
    return tuple(each["process"]["run_id"] for each in parts if each["process"] is not None)
