"""Which processes look left behind, and why, in words for people.

A live process that nobody has used for a while and that nobody is connected to; or one whose directory is gone, however
recently it was used. Never one that somebody protected, that is to come back after a reboot, or that
persistproc did not start.
"""

from __future__ import annotations

import math
import os
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, NamedTuple

import anyio
import anyio.to_thread

from ...durations import duration_text
from ...errors import InvalidParams
from ...protocol import ListProcessesParams, PruneProcessesParams
from ..answers.times import parse_age
from ..model import Process, Run
from .owners import has_ended, starter
from .uses import Uses

__all__ = ["Staleness", "asked_unused_seconds"]

_UNUSED_SECONDS: Final = 3600.0
"""Unless somebody asks for another time."""
_DISK_SECONDS = 2.0
_DISK_THREADS = 2


class _Look(NamedTuple):
    """What the file system and the process table say of a process."""

    gone: str | None
    """Why it has no place to work in any more."""
    starter_ended: bool


def asked_unused_seconds(params: ListProcessesParams | PruneProcessesParams) -> float | None:
    """What nobody has used for so long is stale; None: nobody asks for what is. Raises `InvalidParams`."""
    if not params.get("stale", False):
        if "unused_for" in params:
            raise InvalidParams("unused_for says what is stale", hint="give stale as well")
        return None
    return parse_age("unused_for", params["unused_for"]) if "unused_for" in params else _UNUSED_SECONDS


class Staleness:
    """Tells what looks left behind."""

    def __init__(self, uses: Uses, look: Callable[[Iterable[Process]], Awaitable[set[Process]]]) -> None:
        """``look(processes)`` notes who is connected to their ports, and returns those to which somebody is."""
        self._uses = uses
        self._look = look
        # Of its own: threads that a file server holds up must not keep the daemon's other ones from their work.
        self._limiter = anyio.CapacityLimiter(_DISK_THREADS)

    async def find(self, processes: Iterable[Process], unused_seconds: float = _UNUSED_SECONDS) -> dict[Process, str]:
        """Those that look left behind, each with the reason.

        Who is connected is looked for only where everything else says so already.
        """
        candidates = {process: process.runs[-1] for process in processes if _may_be(process)}
        if not candidates:
            return {}
        looks = await self._looks(candidates)
        unused = [process for process in candidates if self._is_unused(process, unused_seconds)]
        connected = await self._look(unused) if unused else set()
        reasons = {}
        for process, run in candidates.items():
            least = math.inf if process in connected else unused_seconds
            reason = self._reason(process, looks[process], least)
            if reason is not None and process.current is run and _may_be(process):
                reasons[process] = reason
        return reasons

    async def _looks(self, candidates: dict[Process, Run]) -> dict[Process, _Look]:
        looks = dict.fromkeys(candidates, _Look(None, starter_ended=False))
        # A file server that does not answer must not keep the answer: what it has is taken for there.
        with anyio.move_on_after(_DISK_SECONDS):
            looks.update(
                await anyio.to_thread.run_sync(_look_at, candidates, abandon_on_cancel=True, limiter=self._limiter)
            )
        return looks

    def _is_unused(self, process: Process, seconds: float) -> bool:
        return self._uses.unused_seconds(process) > seconds

    def _reason(self, process: Process, look: _Look, unused_seconds: float) -> str | None:
        if look.gone is not None:
            what = look.gone
        elif self._is_unused(process, unused_seconds):
            unused = duration_text(_rounded(self._uses.unused_seconds(process)))
            what = f"nobody has read its output or used its port for {unused}"
        else:
            return None
        client = starter(process)
        if client is None or not look.starter_ended:
            return what
        return f"{what}; its starter ({client['name']}, pid {client['pid']}) has ended"


def _may_be(process: Process) -> bool:
    run = process.current
    return (
        run is not None
        and run.state in ("starting", "running")
        and run.launched.is_set()
        and not run.foreign
        and process.protection is None
        and not process.options.autostart
    )


def _look_at(candidates: dict[Process, Run]) -> dict[Process, _Look]:
    return {process: _Look(_gone(process, run), _starter_ended(process, run)) for process, run in candidates.items()}


def _gone(process: Process, run: Run) -> str | None:
    if _is_missing(process.project_directory):
        return f"its project {process.project_directory} is gone"
    if _is_missing(run.working_directory):
        return f"its directory {run.working_directory} is gone"
    if _works_in_deleted(run):
        return f"its directory {run.working_directory} was deleted, and what is there now is another one"
    return None


def _is_missing(directory: str) -> bool:
    try:
        os.stat(directory)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # unreadable, or its server is away: that is not gone
    return False


def _works_in_deleted(run: Run) -> bool:
    """Whether a directory of the same name has taken the place of the one that the leader is in (proc_pid_cwd(5))."""
    try:
        return os.readlink(f"/proc/{run.pid}/cwd") == f"{run.working_directory} (deleted)"
    except OSError:
        return False


def _starter_ended(process: Process, run: Run) -> bool:
    client = starter(process)
    return client is not None and run.identity is not None and has_ended(client, run.identity)


def _rounded(seconds: float) -> float:
    """To what people count in: 3h and not 3h0m7s."""
    for least, unit in ((2 * 86400, 86400), (7200, 3600), (120, 60), (10, 1)):
        if seconds >= least:
            return seconds // unit * unit
    return round(seconds, 1)
