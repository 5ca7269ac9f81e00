"""How what is asked of a process differs from what its run was started with, beside command, ports and environment."""

from __future__ import annotations

from ..durations import duration_text
from ..protocol import Difference
from ..signal_names import signal_name
from .requests import Requested, own_stop, settings_of
from .settings import Settings

__all__ = ["wishes_differences"]


def wishes_differences(asked: Requested, running: Settings) -> list[Difference]:
    """Of what the caller has said; what he has not is as it is."""
    wanted, given = settings_of(asked), asked.params.keys()
    found: list[Difference] = []
    if given & {"watch", "watch_signal"} and _watch(wanted) != _watch(running):
        found.append({"what": "watch", "asked": _watch(wanted), "running": _watch(running)})
    if given & {"stop_signal", "stop_grace_seconds"} and _stop(wanted) != _stop(running):
        found.append({"what": "stop", "asked": _stop(wanted), "running": _stop(running)})
    if "tags" in given and set(wanted.tags) != set(running.tags):
        found.append({"what": "tags", "asked": ", ".join(wanted.tags), "running": ", ".join(running.tags)})
    if "tty" in given and wanted.tty != running.tty:
        found.append({"what": "tty", "asked": _terminal(wanted), "running": _terminal(running)})
    return found


def _watch(settings: Settings) -> str:
    words = ", ".join(settings.watch) or "nothing"
    return f"{words} (sends {settings.watch_signal})" if settings.watch_signal else words


def _stop(settings: Settings) -> str:
    signum, grace = own_stop(settings)
    return f"{signal_name(signum)}, {duration_text(grace)}"


def _terminal(settings: Settings) -> str:
    return "a terminal" if settings.tty else "none"
