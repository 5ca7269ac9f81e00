"""Marks that people and agents set: named places in all logs of a project.

What a mark holds for each run is where its streams ended. A run that is live gets its place from the files; one that
is gone ended where it ended, for this mark and all later ones, so that is written once: a project with a thousand ended
runs and a hundred marks has a small file.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import anyio
import anyio.to_thread

from ...errors import InvalidParams, StorageFailed
from ...protocol import MarkInfo
from ..clock import rfc3339
from ..home.guard import HomeGuard
from ..keeper import Keeper
from ..keeper_link import KeeperRefused
from ..log import Log
from ..logs.reader import RunLog
from ..logs.segments import Offsets
from ..model import Run
from ..projects import project_name
from ..registry import Registry
from . import bookmark_file
from .bookmark_file import Bookmarked, Kept

__all__ = ["MAX_MARKS", "Bookmark", "Bookmarks", "check_mark_name"]

MAX_MARKS = 100
"""In a project; one more drops the oldest."""

_DRAIN_SECONDS = 2.0

# In the class, the word means the method.
_Marks = list[MarkInfo]


class Bookmark(NamedTuple):
    """Where the logs of a project ended when the mark was set. A run that is not there began later."""

    time_ns: int
    places: dict[str, Offsets]
    """By run id."""


class Bookmarks:
    """Sets, lists and finds marks; they survive the daemon."""

    def __init__(self, path: str, registry: Registry, keeper: Keeper, log: Log, home: HomeGuard | None = None) -> None:
        """``home``: asked before anything is written."""
        self._path = path
        self._home = home or HomeGuard(None)
        self._registry = registry
        self._keeper = keeper
        self._log = log
        self._projects: dict[str, Kept] = {}
        self._setting = anyio.Lock()

    async def load(self) -> None:
        """Read the marks of former lives."""
        try:
            self._projects, problem = await anyio.to_thread.run_sync(bookmark_file.load, self._path)
        except OSError as error:
            problem = error.strerror or str(error)
        if problem:
            self._log.warning("marks.unreadable", path=self._path, problem=problem)

    async def restore(self) -> bool:
        """Somebody deleted the file: write it anew; false when there are no marks. Raises `OSError`."""
        async with self._setting:
            if self._projects:
                await anyio.to_thread.run_sync(self._write, self._projects)
            return bool(self._projects)

    def _write(self, projects: dict[str, Kept]) -> None:
        self._home.check()
        bookmark_file.write(self._path, projects)

    async def set(self, project: str, name: str, places: Mapping[str, Offsets] = MappingProxyType({})) -> MarkInfo:
        """Set a mark at the present end of all logs of the project; an older one of the name is replaced.

        What was printed before this call is before the mark. ``places``, by run id: where it stands instead in these
        runs. Raises `InvalidParams`, `StorageFailed`; nothing has changed then.
        """
        name = check_mark_name(name)
        async with self._setting:
            await self._drain(project)
            runs = [run for process in self._registry.in_project(project) for run in process.runs]
            old = self._projects.get(project, Kept())
            number = old.marks[-1].number + 1 if old.marks else 1
            gone = {run.run_id: place for run in runs if (place := old.ended.get(run.run_id)) is not None}
            released = {run.run_id for run in runs if run.gone.is_set()}
            time_ns = time.time_ns()
            ends = await anyio.to_thread.run_sync(_sizes, [run for run in runs if run.run_id not in gone])
            ended = gone | {run_id: (place, number) for run_id, place in ends.items() if run_id in released}
            live = {run_id: place for run_id, place in ends.items() if run_id not in released}
            mark = Bookmarked(name, time_ns, number, live | dict(places))
            marks = (*(each for each in old.marks if each.name != name), mark)
            await self._replace(project, Kept(marks[-MAX_MARKS:], ended))
        return _info(project, mark)

    async def _drain(self, project: str) -> None:
        runs = [run for each in self._registry.in_project(project) for run in each.runs if run.present]
        with anyio.move_on_after(_DRAIN_SECONDS) as scope:
            async with anyio.create_task_group() as group:
                for run in runs:
                    group.start_soon(self._drain_run, run)
        if scope.cancelled_caught:
            self._log.warning("marks.undrained", project=project)

    async def _drain_run(self, run: Run) -> None:
        try:
            await self._keeper.drain(run)
        except KeeperRefused as refusal:
            self._log.warning("marks.undrained", run=run.run_id, error=str(refusal))

    async def _replace(self, project: str, kept: Kept) -> None:
        projects = {directory: each for directory, each in self._projects.items() if self._registry.names(directory)}
        projects[project] = kept
        known = {run.run_id for _, run in self._registry.runs()}
        projects = {directory: _without_unknown(each, known) for directory, each in projects.items()}
        try:
            await anyio.to_thread.run_sync(self._write, projects)
        except OSError as error:
            raise StorageFailed(f"cannot write {self._path}: {error.strerror}", hint="see persistproc doctor") from None
        self._projects = projects

    def list(self, project: str) -> _Marks:
        """The project's marks, oldest first."""
        return [_info(project, mark) for mark in self._projects.get(project, Kept()).marks]

    def find(self, project: str, name: str) -> Bookmark:
        """The mark of that name. Raises `InvalidParams` that names those there are."""
        kept = self._projects.get(project, Kept())
        name = unicodedata.normalize("NFC", name)
        for mark in kept.marks:
            if mark.name == name:
                before = {run_id: place for run_id, (place, number) in kept.ended.items() if number <= mark.number}
                return Bookmark(mark.time_ns, before | mark.places)
        names = [mark.name for mark in reversed(kept.marks)]
        raise InvalidParams(
            f"there is no mark {name[:80]!r} in {project_name(project)}",
            hint=f"there are {', '.join(names[:20])}" if names else "set one with persistproc mark or set_mark",
        )


def check_mark_name(name: str) -> str:
    """The name of a mark, in Unicode's composed form (NFC).

    1 to 64 letters and digits of any script and ``. _ -``, no ``-`` first. Raises `InvalidParams`.
    """
    name = unicodedata.normalize("NFC", name)
    bad = next((char for char in name if not _is_allowed(char)), "-" if name.startswith("-") else "")
    if bad or not 1 <= len(name) <= 64:
        problem = f"it holds {bad!r}" if bad != "-" else "it starts with '-'"
        raise InvalidParams(
            f"{name[:80]!r} cannot be the name of a mark: {problem if bad else 'it has not 1 to 64 characters'}",
            hint="use letters, digits and . _ -, at most 64: before-upgrade, edit_7",
        )
    return name


def _is_allowed(char: str) -> bool:
    category = unicodedata.category(char)
    return char in "._-" or category[0] in "LM" or category == "Nd"


def _sizes(runs: list[Run]) -> dict[str, Offsets]:
    return {run.run_id: RunLog(run.directory).sizes() for run in runs}


def _without_unknown(kept: Kept, known: set[str]) -> Kept:
    # Of runs that were removed or pruned; a run id never comes again.
    marks = tuple(
        mark._replace(places={run: at for run, at in mark.places.items() if run in known}) for mark in kept.marks
    )
    return Kept(marks, {run: place for run, place in kept.ended.items() if run in known})


def _info(project: str, mark: Bookmarked) -> MarkInfo:
    return {"name": mark.name, "project": project_name(project), "time": rfc3339(mark.time_ns)}
