"""How what is asked of a process differs from the run that the caller joins."""

from __future__ import annotations

from ..protocol import Difference
from . import environment as environments
from .configuring import differences
from .known_environment import known_environment
from .model import Process, Run
from .ports.joining import joined
from .readiness.joining import readiness_differences
from .requests import Requested
from .wishes import wishes_differences

__all__ = ["differences_of_join"]


async def differences_of_join(process: Process, run: Run, asked: Requested) -> list[Difference]:
    """All that the run does not have as it is asked for; of its environment names, no values."""
    asked, found = joined(asked, run)
    if asked.name is not None and asked.name != process.name:
        found.append({"what": "name", "asked": asked.name, "running": process.name})
    if asked.command.text != run.command.text:
        found.append({"what": "command", "asked": asked.command.text, "running": run.command.text})
    if asked.directory != run.working_directory:
        found.append({"what": "working_directory", "asked": asked.directory, "running": run.working_directory})
    found += differences(process.options, asked.params)
    found += readiness_differences(asked.params, run.settings)
    found += wishes_differences(asked, run.settings)
    running = await known_environment(run)
    if running is not None:
        found += environments.difference(asked.environment, running)
    return found
