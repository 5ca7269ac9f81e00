"""How far each process is while a project comes up or goes down; what both views show."""

from __future__ import annotations

import time

from ..oneline import one_line
from ..words import LIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Literal

    from persistproc_core.protocol import Event, ProcessInfo, ProcessResult, ProjectProcess

    Phase = Literal[
        "waits", "runs", "stopping", "starting", "ready", "completed", "stays", "failed", "not started", "stopped"
    ]

__all__ = ["Row", "Rows", "begun_row", "need_words", "running_row", "seconds_words"]

_STARTED, _READY, _COMPLETED = 1, 2, 3
_LEVELS = {"started": _STARTED, "ready": _READY, "completed": _COMPLETED}
_IN_PLACE = "changed while it runs"
_PROVED = "up: "


def need_words(needs: Mapping[str, str]) -> str:
    """``db, migrate (completed)``."""
    return ", ".join(one_line(name) + ("" if how == "ready" else f" ({how})") for name, how in needs.items())


def seconds_words(seconds: float) -> str:
    """``0.04 s``, ``1.2 s``, ``75 s``."""
    return f"{seconds:.{2 if seconds < 0.995 else 1 if seconds < 9.95 else 0}f} s"


class Row:
    """One process."""

    __slots__ = ("detail", "level", "name", "needs", "phase", "pid", "seconds", "since", "stops", "url", "verb", "why")

    def __init__(self, name: str, needs: Mapping[str, str]) -> None:
        self.name = name
        self.needs = needs
        self.phase: Phase = "waits"
        self.level = 0
        """How far it is for what needs it."""
        self.since = 0.0
        """When its run began (s, monotonic)."""
        self.pid: int | None = None
        self.verb = "started"
        self.why = ""
        """Why it is restarted."""
        self.stops = False
        """True when it is to be stopped, and not only to make room for its next run."""
        self.seconds: float | None = None
        """How long it took to be ready."""
        self.detail = ""
        """What it is ready by, or why it is not."""
        self.url: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether it does one thing and has done it."""
        return self.level == _COMPLETED

    def become(self, phase: Phase, level: int = 0) -> None:
        """Note a phase, and how far that is for what needs it."""
        self.phase, self.level = phase, level

    def take(self, event: Event) -> None:
        """Note what the daemon tells of it."""
        kind = event["type"]
        if kind in ("started", "restarted"):
            self.pid, self.since, self.seconds = event["pid"], time.monotonic(), None
            if kind == "restarted":
                self.verb, self.why = kind, event.get("reason", "")
            self.become("starting", _STARTED)
        elif kind == "ready":
            self.seconds, self.detail = event.get("ready_seconds"), event.get("ready_by", "")
            if self.phase != "completed":
                self.become("ready", _READY)
        elif kind in ("stopping", "stopped"):
            self.verb = "restarted"
            self.become("stopped" if self.stops and kind == "stopped" else "stopping")
        elif kind == "exited":
            self.become("completed", _COMPLETED)
        elif kind in ("failed", "lost"):
            self.detail = event.get("reason", "")
            self.become("failed")

    def settle(self, result: ProcessResult) -> None:
        """Note what became of it, which has the last word: an event may still be on its way."""
        info, outcome = result["process"], result["outcome"]
        if info is not None:
            self.pid, self.url = info["pid"], info["url"]
            self.seconds = info["ready_seconds"]
        if outcome in ("failed", "not_started"):
            self.detail = result["reason"] or ""
            self.become("failed" if outcome == "failed" else "not started")
        elif outcome in ("stopped", "already_stopped", "removed"):
            self.detail = "" if outcome == "stopped" else outcome.replace("_", " ")
            self.become("stopped")
        else:
            self._settle_live(result, info)

    def _settle_live(self, result: ProcessResult, info: ProcessInfo | None) -> None:
        if result["outcome"] == "restarted":
            self.verb, self.why = "restarted", result["reason"] or ""
        self.detail = (info["ready_by"] if info is not None else None) or ""
        ended = info is not None and info["state"] == "exited"
        if result["outcome"] == "unchanged":
            reason = result["reason"] or ""
            self.why = reason if reason.startswith(_IN_PLACE) else ""
            if result["hint"]:
                self.why = "left as it was"
            self.become("stays", _COMPLETED if ended else _READY)
        elif ended:
            self.become("completed", _COMPLETED)
        elif result["ready"]:
            self.become("ready", _READY)
        else:
            # It took its time and nothing else can be seen of it: why, is said.
            reason = result["reason"] or ""
            self.detail = reason if reason.startswith(_PROVED) else ""
            self.become("starting", _STARTED)


class Rows:
    """All of them, in the order of the file."""

    def __init__(self, rows: Sequence[Row], directory: str) -> None:
        """``directory`` is the project's: an event may be of a process of the same name elsewhere."""
        self._directory = directory
        self._rows = {row.name: row for row in rows}

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def take(self, event: Event) -> Row | None:
        """Note an event; the row that it is about, if it is one of ours."""
        row = self._rows.get(event["name"])
        if row is None or event["project_directory"] != self._directory:
            return None
        row.take(event)
        return row

    def settle(self, result: ProcessResult) -> Row | None:
        """Note a result, also of one that was not known to take part, unless nothing had to be done."""
        if result["outcome"] == "already_stopped" and result["name"] not in self._rows:
            return None
        row = self._rows.setdefault(result["name"], Row(result["name"], {}))
        row.settle(result)
        return row

    def missing(self, row: Row) -> dict[str, str]:
        """What a row needs that is not so far yet."""
        return {name: how for name, how in row.needs.items() if self._level(name) < _LEVELS[how]}

    def _level(self, name: str) -> int:
        row = self._rows.get(name)
        # What we know nothing of is the daemon's business alone.
        return _COMPLETED if row is None else row.level


def begun_row(process: ProjectProcess) -> Row:
    """The row of a process of the file, before anything is done."""
    row = Row(process["name"], process["needs"])
    info = process["process"]
    if process["action"] == "restart":
        row.verb, row.why = "restarted", "; ".join(process["changes"])
    elif process["action"] == "none" and info is not None:
        row.pid, row.url = info["pid"], info["url"]
        if info["state"] in LIVE:
            row.become("stays", _STARTED if info["ready"] is False else _READY)
        else:
            row.become("stays", _COMPLETED)
    return row


def running_row(info: ProcessInfo) -> Row:
    """The row of a process that is to be stopped."""
    row = Row(info["name"], {})
    row.pid, row.stops = info["pid"], True
    row.become("runs")
    return row
