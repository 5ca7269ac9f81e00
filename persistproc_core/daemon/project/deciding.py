"""What is to be done with a process so that it is as its file says."""

from __future__ import annotations

from typing import NamedTuple

from ...project_file.model import ProjectFile
from ...protocol.projects import ProjectAction
from ..kernel.identity import boot_id
from ..known_environment import known_environment
from ..model import Process, Run
from ..registry import Registry
from .changes import changes, in_place, masked, options_changed
from .wanted import Wanted, Wishes, is_one_shot

__all__ = ["Deciding", "Decision", "is_running"]


class Decision(NamedTuple):
    """What is to be done."""

    action: ProjectAction
    changes: list[str] = []  # noqa: RUF012 - never changed
    """Why it is restarted, in words."""
    settings: list[str] = []  # noqa: RUF012 - never changed
    """Names of what is changed while it runs."""
    options: list[str] = []  # noqa: RUF012 - never changed
    is_done: bool = False
    """True for what does one thing, has done it, and need not do it again."""


def is_running(process: Process | None) -> bool:
    """Whether there is a run that may be left as it is; one that is being stopped may not."""
    run = process.current if process is not None else None
    return run is not None and run.live and run.state != "stopping"


def _has_completed(run: Run) -> bool:
    # What it made may be gone since the machine was started again (a file in /tmp).
    return run.state == "exited" and run.settings.defined and run.boot_id == boot_id()


class Deciding:
    """Compares a file with what runs."""

    def __init__(self, file: ProjectFile, wishes: Wishes, registry: Registry) -> None:
        self._file = file
        self._wishes = wishes
        self._registry = registry

    @property
    def is_up(self) -> bool:
        """Whether anything runs that was started from the file: what has completed counts until all of it is down."""
        return any(
            (process.live or process.planned is not None) and process.runs[-1].settings.defined
            for process in self._registry.in_project(self._file.directory)
            if process.runs
        )

    async def decide(self, wanted: Wanted, *, is_up: bool, again: bool = False) -> Decision:
        """What is to be done. ``is_up``: as it was before anything was started; ``again``: what is done counts not."""
        process = self._registry.get(self._file.directory, wanted.entry.name)
        run = process.current if process is not None else None
        if process is None or run is None:
            return Decision("start")
        if not is_running(process):
            counts = is_up and not again and is_one_shot(self._file, wanted.entry)
            if counts and _has_completed(run) and not await self._changes(run, wanted):
                return Decision("none", is_done=True)
            return Decision("start")
        found = await self._changes(run, wanted)
        if found:
            return Decision("restart", found)
        return Decision("none", [], in_place(run, wanted.settings), options_changed(process, wanted))

    async def _changes(self, run: Run, wanted: Wanted) -> list[str]:
        running = await known_environment(run)
        if running is None:
            return changes(run, wanted, running, wanted)
        seen = await self._wishes.of(wanted.entry, masked(running, wanted.of_project.variables))
        if seen.asked is None and wanted.asked is not None:
            return ["environment: it needs a variable that it has not"]
        return changes(run, wanted, running, seen)
