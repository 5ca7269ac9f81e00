"""What a caller asks for, checked and made exact."""

from __future__ import annotations

import os
import resource
import signal
from typing import NamedTuple

import anyio.to_thread

from ..errors import InvalidParams, StartFailed
from ..protocol import RestartProcessParams, StartProcessParams, StopProcessParams
from . import environment as environments
from .projects import project_root
from .words.command import Command, check_name, parse_command

__all__ = ["DEFAULT_GRACE_SECONDS", "Requested", "requested", "signal_number", "stop_options"]

DEFAULT_GRACE_SECONDS = 10.0
_HOME_DIRECTORY = os.path.expanduser("~")


class Requested(NamedTuple):
    """A start as it was asked for."""

    command: Command
    name: str | None
    directory: str
    project: str
    environment: dict[str, str]
    params: StartProcessParams

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

    def ignored_signals(self) -> tuple[int, ...]:
        """The signals to ignore. Raises `InvalidParams` for an unknown name."""
        return tuple(signal_number(name) for name in self.params.get("ignored_signals", []))


async def requested(params: StartProcessParams) -> Requested:
    """A start, checked. Raises `InvalidParams`, and `StartFailed` for a folder that is none."""
    command = parse_command(params["command"])
    name = params.get("name")
    if name is not None:
        name = check_name(name)
    given = params.get("environment", {})
    environments.check(given)
    directory = params.get("working_directory") or _HOME_DIRECTORY
    if not os.path.isabs(directory):
        raise InvalidParams(f"working_directory must be an absolute path, not {directory!r}")
    real, project = await anyio.to_thread.run_sync(_place, directory)
    inherited = environments.of_the_hub() if params.get("inherit_environment", True) else {}
    return Requested(command, name, real, project, {**inherited, **given}, params)


def stop_options(params: StopProcessParams | RestartProcessParams) -> tuple[int, float, bool]:
    """Signal, grace in seconds, and whether SIGKILL comes at once. Raises `InvalidParams`."""
    signum = signal_number(params.get("signal", "SIGTERM"))
    soft = "signal" in params or "grace_seconds" in params
    return signum, params.get("grace_seconds", DEFAULT_GRACE_SECONDS), params.get("force", False) and not soft


def signal_number(name: str) -> int:
    """15 for ``SIGTERM``, ``TERM``, ``term`` and ``15``. Raises `InvalidParams`."""
    text = name.strip().upper()
    if text.isascii() and text.isdigit():
        number = int(text)
        if number in signal.valid_signals():
            return number
    else:
        try:
            return signal.Signals[text if text.startswith("SIG") else "SIG" + text].value
        except KeyError:
            pass
    raise InvalidParams(f"there is no signal {name}", hint="for example SIGTERM, SIGINT, SIGHUP, SIGUSR1")


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
