"""What a caller asks for, checked and made exact."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from typing import Literal, NamedTuple

import anyio.to_thread

from ..errors import InvalidParams, StartFailed
from ..project_file.root import project_root
from ..protocol import RestartProcessParams, StartProcessParams, StopProcessParams
from ..signal_names import signal_name, signal_number
from . import environment as environments
from .ports.wishes import checked
from .settings import Settings
from .watching.patterns import check_patterns
from .words.command import Command, check_name, parse_command
from .words.login_shell import in_login_shell

__all__ = [
    "DEFAULT_GRACE_SECONDS",
    "OfProject",
    "Requested",
    "own_stop",
    "requested",
    "settings_of",
    "stop_options",
]

DEFAULT_GRACE_SECONDS = 10.0
_HOME_DIRECTORY = os.path.expanduser("~")


class OfProject(NamedTuple):
    """What is known of a start that comes from the project's file, besides its parameters."""

    directory: str
    """The project's: the process may work outside of it."""
    ports: Mapping[str, Mapping[str, int]]
    """Those of its processes, by process and name, for placeholders."""
    variables: tuple[str, ...] = ()
    """Names of what the file sets."""


class Requested(NamedTuple):
    """A start as it was asked for."""

    command: Command
    name: str | None
    directory: str
    project: str
    environment: dict[str, str]
    params: StartProcessParams
    of_project: OfProject | None = None
    assigned_ports: tuple[tuple[str, int], ...] = ()
    """By name, once they are known; then they are in all the rest."""
    template: tuple[str, ...] | None = None
    """The argument list before its ports were in it; None: it has none, or they are not in it yet."""

    @property
    def asked_argv(self) -> tuple[str, ...]:
        """The argument list as it was asked for, by which a process is told from others."""
        return self.template or self.command.argv

    def limits(self) -> tuple[tuple[str, int, int], ...]:
        """The resource limits. Raises `InvalidParams` for an unknown name or a pair that is none."""
        found = []
        for name, pair in self.params.get("resource_limits", {}).items():
            if len(pair) != 2:
                raise InvalidParams(f"resource_limits.{name} must be [soft, hard]")
            if name != name.lower() or not hasattr(resource, "RLIMIT_" + name.upper()):
                raise InvalidParams(
                    f"there is no resource limit {name}", hint="names are those of getrlimit(2): nofile, core"
                )
            found.append((name, pair[0], pair[1]))
        return tuple(found)

    def signal(self, parameter: Literal["stop_signal", "watch_signal"]) -> str | None:
        """The full name of a signal that it gives. Raises `InvalidParams` for an unknown one."""
        name = self.params.get(parameter)
        return None if name is None else signal_name(signal_number(name))

    def ignored_signals(self) -> tuple[int, ...]:
        """The signals to ignore. Raises `InvalidParams` for an unknown name."""
        return tuple(signal_number(name) for name in self.params.get("ignored_signals", []))


def settings_of(asked: Requested) -> Settings:
    """What its run is started with. Raises `InvalidParams`."""
    params = asked.params
    return Settings(
        params.get("umask"),
        asked.limits(),
        asked.ignored_signals(),
        tty=params.get("tty", False),
        rows=params.get("rows", 24),
        columns=params.get("columns", 80),
        keep_bytes=params.get("keep_bytes"),
        keep_runs=params.get("keep_runs"),
        shell=params.get("shell", False),
        ports=tuple(params.get("ports", ())),
        assigned_ports=asked.assigned_ports,
        asked=asked.template,
        ready=params.get("ready"),
        liveness=params.get("liveness"),
        watch=tuple(params.get("watch", ())),
        watch_signal=asked.signal("watch_signal"),
        stop_signal=asked.signal("stop_signal"),
        stop_grace_seconds=params.get("stop_grace_seconds"),
        tags=tuple(params.get("tags", ())),
        defined=asked.of_project is not None,
        variables=asked.of_project.variables if asked.of_project is not None else (),
    )


async def requested(params: StartProcessParams, of_project: OfProject | None = None) -> Requested:
    """A start, checked. Raises `InvalidParams`, and `StartFailed` for a folder that is none."""
    name = params.get("name")
    if name is not None:
        name = check_name(name)
    given = params.get("environment", {})
    environments.check(given)
    if "ports" in params:
        params = params.copy()
        params["ports"] = list(checked(params["ports"]))
    inherited = environments.of_the_hub() if params.get("inherit_environment", True) else {}
    environment = {**inherited, **given}
    shell = params.get("shell", False)
    command = in_login_shell(params["command"], environment) if shell else parse_command(params["command"])
    directory = params.get("working_directory") or _HOME_DIRECTORY
    if not os.path.isabs(directory):
        raise InvalidParams(f"working_directory must be an absolute path, not {directory!r}")
    real, project = await anyio.to_thread.run_sync(_place, directory)
    if params.get("watch"):
        await anyio.to_thread.run_sync(check_patterns, params["watch"])
    if of_project is not None:
        project = of_project.directory
    return Requested(command, name, real, project, environment, params, of_project)


def own_stop(settings: Settings) -> tuple[int, float]:
    """How a run is stopped when nobody says how: signal, and grace in seconds."""
    signum = signal_number(settings.stop_signal or "SIGTERM")
    grace = settings.stop_grace_seconds
    return signum, DEFAULT_GRACE_SECONDS if grace is None else grace


def stop_options(params: StopProcessParams | RestartProcessParams, settings: Settings) -> tuple[int, float, bool]:
    """Signal, grace in seconds, and whether SIGKILL comes at once. Raises `InvalidParams`."""
    signum, grace = own_stop(settings)
    if "signal" in params:
        signum = signal_number(params["signal"])
    soft = "signal" in params or "grace_seconds" in params
    return signum, params.get("grace_seconds", grace), params.get("force", False) and not soft


def _place(directory: str) -> tuple[str, str]:
    """The real directory, and its project's."""
    real = _real_directory(directory)
    return real, project_root(real)


def _real_directory(directory: str) -> str:
    real = os.path.realpath(directory)
    if not os.path.isdir(real):
        missing = "is not a folder" if os.path.exists(real) else "does not exist"
        raise StartFailed(
            f"the working directory {directory} {missing}",
            hint="give a folder that exists",
            data={"errno": "ENOTDIR" if os.path.exists(real) else "ENOENT", "path": directory},
        )
    return real
