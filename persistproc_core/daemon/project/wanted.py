"""What an entry of the file would be run as, made by the same code that starts it; nothing is started here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, cast

import anyio.to_thread

from ...errors import InvalidParams, PersistprocError, ProjectInvalid, StartFailed
from ...project_file.model import Entry, ProjectFile
from ...project_file.problems import Problem, invalid, together
from ...project_file.variables import directory_of, variables_of
from ...protocol import ReadyWhen, StartProcessParams
from ..requests import OfProject, Requested, requested, settings_of
from ..settings import Settings
from .selection import dependents

__all__ = ["Filled", "Wanted", "Wishes", "is_one_shot"]

Filled = Callable[[Requested, str], Awaitable[Requested]]
"""Gives a start of that name its ports: in its command, its environment, its conditions."""

_ONE_SHOT: ReadyWhen = {"completed": True, "timeout_seconds": 86400.0}


class Wanted(NamedTuple):
    """A start that could be asked for."""

    entry: Entry
    params: StartProcessParams
    """As they are asked for: ports are not in it yet."""
    of_project: OfProject
    asked: Requested | None
    """With its ports; None: it cannot be started now."""
    settings: Settings
    problem: PersistprocError | None = None
    """Why it cannot: a directory or a file of variables is missing, for example. Something else may make that yet."""

    @property
    def command(self) -> str:
        """In one line."""
        if self.asked is not None:
            return self.asked.command.text
        command = self.params["command"]
        return command if isinstance(command, str) else " ".join(command)

    @property
    def working_directory(self) -> str:
        """Absolute path."""
        return self.asked.directory if self.asked is not None else self.params["working_directory"]


def is_one_shot(file: ProjectFile, entry: Entry) -> bool:
    """Whether it does one thing and ends: it says so, or something waits for its end."""
    if entry.definition.get("ready", {}).get("completed", False):
        return True
    return "completed" in dependents(file.processes.values(), entry.name).values()


class Wishes:
    """The starts that a file asks for."""

    def __init__(self, file: ProjectFile, ports: Mapping[str, Mapping[str, int]], filled: Filled) -> None:
        """``ports``: those of all its processes."""
        self._file = file
        self._ports = ports
        self._filled = filled

    async def of(self, entry: Entry, base: Mapping[str, str]) -> Wanted:
        """What it would be started as, with ``base`` as the caller's environment."""
        params = _params(self._file, entry)
        of_project = OfProject(self._file.directory, self._ports)
        try:
            variables, directory = await anyio.to_thread.run_sync(_read, entry, base)
            params["environment"] = {**base, **variables}
            params["working_directory"] = directory
            of_project = of_project._replace(variables=tuple(sorted(variables)))
            asked = await self._filled(await requested(params, of_project), entry.name)
            return Wanted(entry, params, of_project, asked, settings_of(asked))
        except InvalidParams as error:
            problem: PersistprocError = self._invalid(entry, error)
        except (ProjectInvalid, StartFailed) as error:
            problem = error
        return Wanted(entry, params, of_project, None, Settings(), problem)

    def _invalid(self, entry: Entry, error: PersistprocError) -> ProjectInvalid:
        return invalid(self._file.path, Problem(f"{entry.name}: {error.message}", entry.line, error.hint))


def _read(entry: Entry, base: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Its variables and its directory. Raises `ProjectInvalid`, about both when both cannot be had."""
    try:
        variables = variables_of(entry, base)
    except ProjectInvalid as error:
        try:
            directory_of(entry, base)
        except ProjectInvalid as other:
            raise together(entry.file, [error, other]) from None
        raise
    return variables, directory_of(entry, base)


def _params(file: ProjectFile, entry: Entry) -> StartProcessParams:
    params = cast("StartProcessParams", dict(entry.definition))
    params["name"] = entry.name
    params["command"] = entry.command
    params["working_directory"] = entry.working_directory
    params["inherit_environment"] = False
    # What the file does not say is not so, whatever it was before.
    params.setdefault("restart", "never")
    params.setdefault("autostart", False)
    if is_one_shot(file, entry):
        params.setdefault("ready", _ONE_SHOT)
    return params
