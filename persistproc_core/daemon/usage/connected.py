"""Notes who is connected to the ports of processes. It is looked for when somebody asks, or a timer is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import anyio.to_thread

from ..ending import Ender
from ..kernel.connections import connected_seconds
from ..kernel.ports import listeners_by_run
from ..model import Process
from .uses import Uses

if TYPE_CHECKING:
    from ...protocol import Listener

__all__ = ["Connected"]


class Connected:
    """Looks for connections."""

    def __init__(self, ender: Ender, uses: Uses) -> None:
        self._ender = ender
        self._uses = uses

    async def look(self, processes: Iterable[Process]) -> set[Process]:
        """Note of each live process whether somebody is connected to a port of it, or was until a moment ago.

        Returns those to which somebody is.
        """
        live = {run.run_id: process for process in processes if (run := process.current) is not None and run.live}
        members = await self._ender.members_of([process.runs[-1] for process in live.values() if process.runs])
        if not members:
            return set()
        pids = {run_id: [member.pid for member in found] for run_id, found in members.items()}
        seconds = await anyio.to_thread.run_sync(_seconds, pids)
        for run_id, ago in seconds.items():
            self._uses.used(live[run_id], ago)
        return {live[run_id] for run_id, ago in seconds.items() if ago == 0}

    async def note(self, process: Process, listeners: list[Listener], pids: list[int]) -> None:
        """The same for one process whose ports are known already."""
        if not listeners:
            return
        seconds = await anyio.to_thread.run_sync(connected_seconds, {"": listeners}, {"": pids})
        if "" in seconds:
            self._uses.used(process, seconds[""])


def _seconds(pids: Mapping[str, list[int]]) -> dict[str, float]:
    listeners = {run_id: found for run_id, found in listeners_by_run(pids).items() if found}
    return connected_seconds(listeners, pids) if listeners else {}
