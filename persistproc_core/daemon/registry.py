"""All processes by project and name, and how a caller's words find one of them."""

from __future__ import annotations

import difflib
import os
import unicodedata
from collections.abc import Iterable, Iterator

from ..errors import AmbiguousProcess, InvalidParams, ProcessNotFound
from .model import Process, Run
from .projects import project_name
from .words.command import parse_command

__all__ = ["Registry", "full_name"]

_LONGEST_COMMAND = 4096


def full_name(process: Process) -> str:
    """``project/name``."""
    return f"{project_name(process.project_directory)}/{process.name}"


class Registry:
    """The processes in memory."""

    def __init__(self) -> None:
        self._processes: dict[tuple[str, str], Process] = {}
        self._runs: dict[str, tuple[Process, Run]] = {}

    def __iter__(self) -> Iterator[Process]:
        return iter(sorted(self._processes.values(), key=lambda process: (process.project_directory, process.name)))

    def __len__(self) -> int:
        return len(self._processes)

    def get(self, project: str, name: str) -> Process | None:
        """The process of that name in the project."""
        return self._processes.get((project, name))

    def names(self, project: str) -> set[str]:
        """All names in the project."""
        return {name for directory, name in self._processes if directory == project}

    def in_project(self, project: str) -> list[Process]:
        """The project's processes."""
        return [process for process in self if process.project_directory == project]

    def add(self, process: Process) -> None:
        """A new process."""
        self._processes[process.project_directory, process.name] = process

    def discard(self, process: Process) -> None:
        """Forget a process and its runs."""
        process.removed = True
        key = (process.project_directory, process.name)
        if self._processes.get(key) is process:  # another one may have that name by now
            del self._processes[key]
        for run in process.runs:
            self._runs.pop(run.run_id, None)

    def add_run(self, process: Process, run: Run) -> None:
        """A new run of a process."""
        process.runs.append(run)
        self._runs[run.run_id] = (process, run)

    def discard_run(self, process: Process, run: Run) -> None:
        """Forget a run."""
        process.runs.remove(run)
        self._runs.pop(run.run_id, None)

    def run(self, run_id: str) -> tuple[Process, Run] | None:
        """A run with its process."""
        return self._runs.get(run_id)

    def runs(self) -> list[tuple[Process, Run]]:
        """All runs."""
        return list(self._runs.values())

    def find(self, target: str | int, project: str | None) -> Process:
        """The process that a caller means: name (in its project first), project/name, pid, or command.

        Raises `ProcessNotFound` with the nearest names, or `AmbiguousProcess` with all that fit.
        """
        text = unicodedata.normalize("NFC", str(target).strip())
        argv = _argv_of(text)
        for fits in (_by_name, _by_full_name, _by_pid, lambda process, text: _by_command(process, text, argv)):
            found = [process for process in self if process.runs and fits(process, text)]
            own = [process for process in found if process.project_directory == project]
            chosen = own or found
            if len(chosen) > 1 and fits is _by_pid:
                live = [process for process in chosen if process.live]
                chosen = live if len(live) == 1 else chosen
            if len(chosen) == 1:
                return chosen[0]
            if chosen:
                raise self._ambiguous(text, chosen)
        raise self._not_found(text, project)

    @staticmethod
    def _ambiguous(text: str, found: Iterable[Process]) -> AmbiguousProcess:
        candidates = [
            {
                "process": f"{process.project_directory.rstrip(os.sep)}/{process.name}",
                "working_directory": process.working_directory,
                "pid": process.current.pid if process.current else None,
            }
            for process in found
        ]
        names = ", ".join(str(candidate["process"]) for candidate in candidates)
        return AmbiguousProcess(
            f"{text!r} fits {len(candidates)} processes: {names}",
            hint="name one as project/name or by its pid",
            data={"candidates": candidates},
        )

    def _not_found(self, text: str, project: str | None) -> ProcessNotFound:
        text = text[:200]
        own = [process.name for process in self if process.project_directory == project]
        all_names = [*own, *(full_name(process) for process in self)]
        near = _unique(difflib.get_close_matches(text, all_names, 3) or [name for name in all_names if text in name])[
            :3
        ]
        if near:
            hint = "did you mean " + " or ".join(near) + "?"
        elif own:
            hint = "this project has " + ", ".join(own[:10])
        else:
            hint = "list_processes with all_projects shows all there are"
        return ProcessNotFound(f"there is no process {text!r}", hint=hint, data={"process": text, "candidates": near})


def _unique(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _by_name(process: Process, text: str) -> bool:
    return process.name == text


def _by_full_name(process: Process, text: str) -> bool:
    project, slash, name = text.rpartition("/")
    if not slash or process.name != name:
        return False
    return project in (project_name(process.project_directory), process.project_directory)


def _by_pid(process: Process, text: str) -> bool:
    # Of ended runs only the newest counts: an older one's number may be anybody's by now.
    run = process.current
    return run is not None and run.pid is not None and text == str(run.pid)


def _by_command(process: Process, text: str, argv: tuple[str, ...] | None) -> bool:
    return process.command.text == text or process.command.argv == argv


def _argv_of(text: str) -> tuple[str, ...] | None:
    if len(text) > _LONGEST_COMMAND:
        return None  # nobody types that, and taking it apart would hold up everybody else
    try:
        return parse_command(text).argv
    except InvalidParams:
        return None
