"""The subscriptions: what processes print, and what happens to them."""

from __future__ import annotations

from typing import Protocol

import anyio

from ...errors import InvalidParams, ProcessNotFound
from ...protocol import FollowedProcess, FollowProcessOutputParams, FollowReply, WatchProcessesParams, WatchReply
from ..events.journal import Entry, Journal
from ..keeper import Keeper
from ..kernel.peer import Peer
from ..log import Log
from ..logs.cursors import encode_cursor
from ..logs.segments import Offsets
from ..model import Process
from ..projects import project_name
from ..registry import Registry
from ..usage.uses import Uses
from .beginnings import Beginning, find_beginning
from .connection import Deliver, PeerGone, Work
from .feed import Feeds, View
from .follow import Follow
from .track import Track
from .watch import Watch

__all__ = ["Following"]

_SETTLE_SECONDS = 1.0
_DEFECT = "a defect of persistproc; the daemon's log tells more"


class _Served(Protocol):
    """What a subscription does."""

    async def serve(self, name: str, deliver: Deliver) -> str | None: ...

    def quit(self) -> None: ...


class Following:
    """Begins subscriptions."""

    def __init__(self, registry: Registry, journal: Journal, keeper: Keeper, uses: Uses, log: Log) -> None:
        self._registry = registry
        self._journal = journal
        self._uses = uses
        self._log = log
        self._feeds = Feeds(keeper)
        self._served: set[_Served] = set()
        self._all_told = anyio.Event()
        journal.on_news = self._spread

    def _spread(self, entries: list[Entry]) -> None:
        for served in list(self._served):
            if isinstance(served, Follow):
                served.take_news(entries)

    async def quit(self) -> None:
        """End all subscriptions when they have told what has happened up to now; return when they have."""
        await self._journal.settled()
        for served in list(self._served):
            served.quit()
        self._journal.ring()
        if self._served:
            await self._all_told.wait()

    def _work(self, served: _Served) -> Work:
        async def work(name: str, deliver: Deliver) -> str | None:
            self._served.add(served)
            try:
                return await served.serve(name, deliver)
            except PeerGone:
                raise
            except Exception as error:
                self._log.exception("subscription.failed", error)
                return _DEFECT
            finally:
                self._served.discard(served)
                if not self._served:
                    self._all_told.set()
                    self._all_told = anyio.Event()

        return work

    # --- output -------------------------------------------------------------------------------------------------------

    async def follow(self, params: FollowProcessOutputParams, project: str | None, peer: Peer) -> FollowReply:
        """Subscribe to output. Raises `TooManySubscriptions`, and `InvalidParams` for a cursor that is none."""
        assert peer.subscriptions is not None
        await self._up_to_now()
        view = View(params.get("stream", "combined"), params.get("format", "plain"), params.get("timestamps", False))
        everywhere = params.get("all_projects", False) or project is None
        processes = self._named(params, project)
        named = processes is not None
        if processes is None:
            processes = [process for process in self._registry if everywhere or process.project_directory == project]
        processes = [process for process in processes if process.runs]
        cursors = self._cursors(params, processes, project)
        # Asked before the logs are looked at, so that no process is missed that is started meanwhile.
        sequence = self._journal.sequence
        tracks = []
        for process in processes:
            beginning = await find_beginning(
                process,
                self._journal,
                view,
                cursor=cursors.get(process),
                after=params.get("after"),
                lines=params.get("lines", 0),
            )
            tracks.append(Track(process, beginning, view, feeds=self._feeds, journal=self._journal))

        def begin(process: Process, entry: Entry) -> Track | None:
            run = next((run for run in process.runs if run.run_id == entry.run_id), None)
            if run is None:
                return None
            beginning = Beginning(run, Offsets(0, 0), entry.sequence - 1)
            return Track(process, beginning, view, feeds=self._feeds, journal=self._journal)

        follow = Follow(
            tracks,
            sequence,
            registry=self._registry,
            journal=self._journal,
            uses=self._uses,
            scope=None if named else lambda process: everywhere or process.project_directory == project,
            begin=begin,
        )
        name = peer.subscriptions.add(self._work(follow))
        return {"subscription": name, "sequence": sequence, "processes": [_followed(track) for track in tracks]}

    async def _up_to_now(self) -> None:
        # An event is shown when it is written: who starts a process and then subscribes would be told of the start, or
        # not, as the disk is slow or fast. While another daemon takes our place nothing is written.
        with anyio.move_on_after(_SETTLE_SECONDS):
            await self._journal.settled()

    def _named(
        self, params: FollowProcessOutputParams | WatchProcessesParams, project: str | None
    ) -> list[Process] | None:
        if "processes" not in params:
            return None
        return list(dict.fromkeys(self._registry.find(target, project) for target in params["processes"]))

    def _cursors(
        self, params: FollowProcessOutputParams, processes: list[Process], project: str | None
    ) -> dict[Process, str]:
        cursors = {}
        for target, cursor in params.get("cursors", {}).items():
            try:
                process = self._registry.find(target, project)
            except ProcessNotFound:
                if "processes" in params:
                    raise
                continue  # it was removed since the cursor was told
            if process in processes:
                cursors[process] = cursor
            elif "processes" in params:
                raise InvalidParams(f"cursors names {target!r}, which processes does not", hint="name it in both")
        return cursors

    # --- events -------------------------------------------------------------------------------------------------------

    async def watch(self, params: WatchProcessesParams, project: str | None, peer: Peer) -> WatchReply:
        """Subscribe to events. Raises `TooManySubscriptions`."""
        assert peer.subscriptions is not None
        await self._up_to_now()
        everywhere = params.get("all_projects", False) or project is None
        processes = self._named(params, project)
        # By name, not by object: a process that is removed and started again is still the one that was named.
        names = None if processes is None else {(process.project_directory, process.name) for process in processes}

        def wants(entry: Entry) -> bool:
            if names is not None:
                return (entry.project_directory, entry.name) in names
            return everywhere or entry.project_directory == project

        kinds = frozenset[str](params["types"]) if "types" in params else None
        sequence = self._journal.sequence
        after = params.get("after", sequence)
        found = self._journal.after(after)
        begin = after if after <= sequence else 0
        name = peer.subscriptions.add(self._work(Watch(self._journal, begin, kinds, wants)))
        return {"subscription": name, "sequence": sequence, "missed": found.missed}


def _followed(track: Track) -> FollowedProcess:
    return {
        "name": track.process.name,
        "project": project_name(track.process.project_directory),
        "project_directory": track.process.project_directory,
        "run": track.run.number,
        "cursor": encode_cursor(track.run.number, track.place),
        "after": track.after,
    }
