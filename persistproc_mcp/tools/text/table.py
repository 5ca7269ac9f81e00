"""The table of processes."""

from __future__ import annotations

from collections.abc import Sequence

from persistproc_core.protocol import ProcessInfo

from ...callers import Caller
from .people import who
from .processes import LIVE, changed_last, command, expires, state_words
from .safe import inline, quoted, short_path

__all__ = ["aligned", "process_table"]

_TITLES = ("NAME", "STATE", "PORTS", "COMMAND", "LAST CHANGE")
_NOTHING = "-"
_MOST_COMMAND = 60
_MOST_ENDED = 20
_MOST_LIVE = 60


def process_table(processes: Sequence[ProcessInfo], caller: Caller, now: float | None = None) -> str:
    """A table for each project: what runs first, then what ended; of many ended ones the newest."""
    projects: dict[str, list[ProcessInfo]] = {}
    for info in processes:
        projects.setdefault(info["project_directory"], []).append(info)
    return "\n\n".join(_project(directory, found, caller, now) for directory, found in projects.items())


def _project(directory: str, processes: list[ProcessInfo], caller: Caller, now: float | None) -> str:
    live = [info for info in processes if info["state"] in (*LIVE, "restarting") or info["survivors"]]
    ended = [info for info in processes if info not in live]
    newest = sorted(ended, key=lambda info: info["ended_at"] or "")[-_MOST_ENDED:]
    shown = [*live[:_MOST_LIVE], *(info for info in ended if info in newest)]
    rows = [_row(info, caller, now) for info in shown]
    title = f"{inline(processes[0]['project'])} in {short_path(directory)}:"
    lines = [title, *aligned([_TITLES, *rows])]
    hidden = max(0, len(live) - _MOST_LIVE), max(0, len(ended) - _MOST_ENDED)
    lines += [f"and {count} more {what}" for count, what in zip(hidden, ("running", "ended"), strict=True) if count]
    return "\n".join(lines)


def _row(info: ProcessInfo, caller: Caller, now: float | None) -> tuple[str, ...]:
    ports = ",".join(dict.fromkeys(f":{listener['port']}" for listener in info["ports"])) or _NOTHING
    state = f"{state_words(info)}{', not ready' if info['ready'] is False and info['state'] in LIVE else ''}"
    return inline(info["name"]), state, ports, command(info, _MOST_COMMAND), _notes(info, caller, now)


def _notes(info: ProcessInfo, caller: Caller, now: float | None) -> str:
    notes = [changed_last(info, caller, now)]
    if info["waiting_for_input"] is not None:
        notes.append(f"asks {quoted(info['waiting_for_input'], 80)}")
    if info["adopted"]:
        notes.append("adopted: not started by persistproc")
    if info["protected_by"] is not None:
        notes.append(f"protected by {who(info['protected_by'], caller)}")
    if info.get("stale") is not None:
        notes.append(f"left behind: {inline(info['stale'] or '', 300)}")
    elif info.get("expires_at") is not None:
        notes.append(expires(info, now))
    if info["survivors"]:
        notes.append(f"{len(info['survivors'])} of its processes still alive")
    return "; ".join(notes)


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A line for each row, the first of which has the titles; without columns that tell nothing (``-`` or empty)."""
    columns = [column for column in zip(*rows, strict=True) if not {*column[1:]} <= {_NOTHING, ""}]
    widths = [max(map(len, column)) for column in columns]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*columns, strict=True)
    ]
