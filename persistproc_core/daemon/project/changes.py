"""How what the file asks for differs from what runs: what needs another run, and what can be changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..configuring import differences
from ..model import Process, Run
from ..settings import Settings
from .wanted import Wanted

__all__ = ["changes", "fits", "in_place", "masked", "options_changed"]

_MASK: Final = "\ue000persistproc\ue000"
"""Stands for a value that nobody knows any more; no program has such a text."""

_KEPT: Final = ("stop_signal", "stop_grace_seconds", "keep_bytes", "keep_runs", "tags")
"""Settings that only say what is done with a run: they are changed while it goes on."""

_RUNNING: Final = ("tty", "ready", "liveness", "watch", "watch_signal")


def changes(run: Run, wanted: Wanted, running: Mapping[str, str] | None, seen: Wanted) -> list[str]:
    """What differs so that another run is needed, in words.

    ``running``: the run's environment, where it is known. ``seen``: what the file asks for with that as the caller's,
    `masked`.
    """
    asked = seen.asked
    if asked is None:
        return []  # it cannot be started now: what runs is better than nothing
    found: list[str] = []
    if asked.command.argv != run.command.argv:
        found.append(f"command: {asked.command.text} (was {run.command.text})")
    if asked.directory != run.working_directory:
        found.append(f"working_directory: {asked.directory} (was {run.working_directory})")
    found += _ports(run.settings, seen.settings)
    if running is not None:
        found += _variables(run.settings, wanted, seen, running)
    for name in _RUNNING:
        before, now = getattr(run.settings, name), getattr(seen.settings, name)
        if before != now:
            found.append(f"{name}: " + ("no longer set" if not now else "added" if not before else "changed"))
    return found


def _ports(running: Settings, asked: Settings) -> list[str]:
    before, now = dict(running.assigned_ports), dict(asked.assigned_ports)
    if before == now:
        variables = [[wish.get("variable") for wish in settings.ports] for settings in (running, asked)]
        return ["ports: another variable tells them"] if variables[0] != variables[1] else []
    return [f"ports: {_told(now)} (was {_told(before)})"]


def _told(ports: Mapping[str, int]) -> str:
    if len(ports) == 1:
        return str(next(iter(ports.values())))
    return ", ".join(f"{name} {port}" for name, port in ports.items()) or "none"


def masked(running: Mapping[str, str], variables: tuple[str, ...]) -> dict[str, str]:
    """The run's environment as the one that the file's values are filled in from.

    What stood in those that the file sets, in the caller's environment, is not known any more: PATH in
    ``PATH = "bin:${PATH}"``.
    """
    return {**running, **dict.fromkeys(variables, _MASK)}


def _variables(run: Settings, wanted: Wanted, seen: Wanted, running: Mapping[str, str]) -> list[str]:
    """Which of the variables that the file sets, or set, have another value. Values are never told."""
    asked = seen.asked.environment if seen.asked is not None else {}
    fresh = wanted.asked.environment if wanted.asked is not None else {}
    names = set(seen.of_project.variables)
    added = {name for name in names if name not in running}
    changed = {name for name in names - added if not fits(asked[name], running[name])}
    gone = {name for name in set(run.variables) - names if name in running and fresh.get(name) != running[name]}
    words = [*_named(changed, "changed"), *_named(added, "added"), *_named(gone, "no longer set")]
    return [f"environment: {', '.join(words)}"] if words else []


def _named(names: set[str], what: str) -> list[str]:
    return [f"{' and '.join(sorted(names))} {what}"] if names else []


def fits(asked: str, running: str) -> bool:
    """Whether the value may be what was asked for, where the masked part of it may be anything."""
    first, *rest = asked.split(_MASK)
    if not rest:
        return asked == running
    last = rest.pop()
    if len(running) < len(first) + len(last) or not running.startswith(first) or not running.endswith(last):
        return False
    at, end = len(first), len(running) - len(last)
    for part in rest:
        at = running.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def in_place(run: Run, wanted: Settings) -> list[str]:
    """Names of the settings that are to be changed while it runs."""
    return [name for name in _KEPT if getattr(run.settings, name) != getattr(wanted, name)]


def options_changed(process: Process, wanted: Wanted) -> list[str]:
    """Names of what the file says is to be done with the process by itself, and is not so.

    What the file does not name may have been configured by hand, and stays.
    """
    named = wanted.entry.definition
    return [each["what"] for each in differences(process.options, wanted.params) if each["what"] in named]
