"""What is new to a client: what others did, and what happened, since it last asked.

An agent asks after each of its calls. What is remembered of it, up to where it was told, is in memory alone. A daemon
that is replaced tells its successor; after one that was killed the first answer is that there is nothing new.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any, NamedTuple, cast

from ...protocol import ClientInfo, Event, NewsReply
from ..registry import Registry
from .journal import ENDED_KINDS, Entry, Journal

__all__ = ["News"]

_DEFAULT_LIMIT = 10
_MOST_CLIENTS = 1000
_MOST_PROJECTS = 100

_KINDS = ENDED_KINDS | {
    "started",
    "restarted",
    "given_up",
    "unhealthy",
    "removed",
    "waiting_for_input",
    "protected",
    "unprotected",
    "configured",
}
_BY_POLICY = "persistproc"

_OfRun = tuple[str, str, object]
"""Project, name and number of a run."""


class _Key(NamedTuple):
    """What tells clients apart."""

    name: str
    pid: int | None
    session: str | None


class _Told:
    """Up to where a client was told."""

    def __init__(self, sequence: int) -> None:
        self._everywhere = sequence
        self._in_project: dict[str, int] = {}
        self._held: set[int] = set()

    def before(self, project: str | None) -> int:
        """Nothing at or before this number is new, of the project or of all."""
        told = self._everywhere if project is None else self._in(project)
        return min([told, *(number - 1 for number in self._held)])

    def includes(self, entry: Entry) -> bool:
        """Whether it is not new any more."""
        return entry.sequence <= self._in(entry.project_directory) and entry.sequence not in self._held

    def _in(self, project: str) -> int:
        return max(self._everywhere, self._in_project.get(project, 0))

    def advance(self, sequence: int, project: str | None, seen: set[int], held: set[int]) -> None:
        """What was seen is not new any more but for what is held back, nor is what may still come up to the number."""
        self._held = (self._held - seen) | held
        if project is not None and (project in self._in_project or len(self._in_project) < _MOST_PROJECTS):
            self._in_project[project] = max(sequence, self._in(project))
        else:
            self._everywhere = max(sequence, self._everywhere)
            self._in_project.clear()

    def give(self) -> list[object]:
        """All of it, as JSON holds it."""
        return [self._everywhere, self._in_project, sorted(self._held)]

    @classmethod
    def taken(cls, given: list[Any]) -> _Told:
        """What `give` gave. Raises `ValueError` or `TypeError` for anything else."""
        everywhere, in_project, held = given
        told = cls(int(everywhere))
        told._in_project = {str(project): int(sequence) for project, sequence in dict(in_project).items()}
        told._held = {int(number) for number in held}
        return told


class News:
    """Remembers each client."""

    def __init__(self, journal: Journal, registry: Registry) -> None:
        self._journal = journal
        self._registry = registry
        self._clients: OrderedDict[_Key, _Told] = OrderedDict()

    async def get(self, client: ClientInfo, project: str | None, limit: int | None = None) -> NewsReply:
        """What is new to the client in the project; None: in all of them."""
        # Both of one moment: up to this number, all is told of a restart that is not under way any more.
        sequence, restarting = self._journal.told, self._restarting()
        await self._journal.settled()
        key = _key(client)
        told = self._clients.get(key)
        if told is None:
            self._remember(key, _Told(sequence))
            return {"events": [], "omitted": 0, "sequence": sequence}
        self._clients.move_to_end(key)
        unseen = self._unseen(told, sequence, project)
        held = {
            entry.sequence for entry in unseen if entry.kind == "stopped" and _of_run(entry, entry.run) in restarting
        }
        told.advance(sequence, project, {entry.sequence for entry in unseen}, held)
        new = _news_to(key, [entry for entry in unseen if entry.sequence not in held])
        events = [cast("Event", json.loads(entry.line)) for entry in new[-(limit or _DEFAULT_LIMIT) :]]
        return {"events": events, "omitted": len(new) - len(events), "sequence": sequence}

    def give(self) -> object:
        """Up to where each client was told, for the daemon that takes the place of this one."""
        return [[list(key), told.give()] for key, told in self._clients.items()]

    def take(self, given: object) -> None:
        """What the former daemon gave. Raises `ValueError` or `TypeError` for anything else."""
        for key, told in cast("list[Any]", given):
            self._remember(_Key(*key), _Told.taken(told))

    def _restarting(self) -> set[_OfRun]:
        """The runs in whose place others are just being started: what their end is a piece of is known afterwards."""
        return {
            (process.project_directory, process.name, process.restarting)
            for process in self._registry
            if process.restarting is not None
        }

    def _unseen(self, told: _Told, sequence: int, project: str | None) -> list[Entry]:
        return [
            entry
            for entry in self._journal.after(min(told.before(project), self._journal.sequence)).entries
            if entry.sequence <= sequence and project in (None, entry.project_directory) and not told.includes(entry)
        ]

    def _remember(self, key: _Key, told: _Told) -> None:
        self._clients[key] = told
        while len(self._clients) > _MOST_CLIENTS:
            self._clients.popitem(last=False)


def _key(client: ClientInfo) -> _Key:
    return _Key(client.get("name", ""), client.get("pid"), client.get("session"))


def _news_to(key: _Key, entries: list[Entry]) -> list[Entry]:
    """Without what the client did itself, and without the pieces that a restart consists of beside its own event."""
    restarts = [entry for entry in entries if entry.kind == "restarted"]
    begun = {entry.run_id for entry in restarts}
    # By whom: a stop of somebody else, after which it was restarted, is another piece of news.
    ended = {_of_run(entry, _previous(entry)): entry.by for entry in restarts}
    # How it ended stands in the words of what a policy did then.
    told = {_of_run(entry, entry.run) for entry in entries if entry.kind == "given_up" and _is_by_policy(entry.by)}
    told |= {of_run for of_run, by in ended.items() if _is_by_policy(by)}

    def is_piece(entry: Entry) -> bool:
        if entry.kind == "started":
            return entry.run_id in begun
        if entry.kind in ("exited", "failed", "lost", "unhealthy"):
            return _of_run(entry, entry.run) in told
        return entry.kind == "stopped" and entry.by is not None and ended.get(_of_run(entry, entry.run)) == entry.by

    return [
        entry
        for entry in entries
        if entry.kind in _KINDS and not is_piece(entry) and (entry.by is None or _key(entry.by) != key)
    ]


def _is_by_policy(client: ClientInfo | None) -> bool:
    return client is not None and client["name"] == _BY_POLICY


def _of_run(entry: Entry, run: object) -> _OfRun:
    return entry.project_directory, entry.name, run


def _previous(restart: Entry) -> object:
    return json.loads(restart.line).get("previous_run")
