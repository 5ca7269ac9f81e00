"""Facts about processes, as the daemon tells them, for tests of the words that are made of them."""

from __future__ import annotations

from typing import Any, cast

from persistproc_core.protocol import Event, OutputLine, ProcessInfo
from persistproc_mcp.callers import Caller

__all__ = ["CALLER", "NOW", "event", "line", "process"]

NOW = 1_772_368_200.0
"""2026-03-01T12:30:00Z."""

CALLER = Caller("claude-code", "2.1", pid=7, directory="/home/ana/shop")


def process(**changes: Any) -> ProcessInfo:
    """A dev server that cursor started at 12:17."""
    info: dict[str, Any] = {
        "name": "web",
        "project": "shop",
        "project_directory": "/home/ana/shop",
        "state": "running",
        "pid": 48213,
        "run": 1,
        "run_id": "web.1.5d0c",
        "command": "npm run dev",
        "argv": ["npm", "run", "dev"],
        "shell": False,
        "working_directory": "/home/ana/shop",
        "started_at": "2026-03-01T12:17:00.000Z",
        "ended_at": None,
        "exit_code": None,
        "signal": None,
        "reason": None,
        "ports": [{"port": 5173, "address": "127.0.0.1", "pid": 48213, "url": "http://localhost:5173"}],
        "url": "http://localhost:5173",
        "assigned_ports": {},
        "ready": None,
        "ready_at": None,
        "ready_seconds": None,
        "ready_by": None,
        "started_by": {"name": "cursor", "pid": 3},
        "start_reason": None,
        "replaced_run": None,
        "stopped_by": None,
        "stop_reason": None,
        "protected_by": None,
        "cpu_percent": 1.0,
        "memory_bytes": 200 * 2**20,
        "processes": 2,
        "survivors": [],
        "runs": 1,
        "tty": False,
        "captured": False,
        "adopted": False,
        "waiting_for_input": None,
    }
    return cast("ProcessInfo", info | changes)


def line(text: str, **changes: Any) -> OutputLine:
    """A line on standard output."""
    return cast("OutputLine", {"stream": "stdout", "text": text, "partial": False, **changes})


def event(kind: str, **changes: Any) -> Event:
    """What happened to the dev server two minutes ago."""
    told: dict[str, Any] = {
        "sequence": 1,
        "time": "2026-03-01T12:28:00.000Z",
        "type": kind,
        "name": "web",
        "project": "shop",
        "project_directory": "/home/ana/shop",
        "run": 1,
        "run_id": "web.1.5d0c",
        "state": "running",
        "pid": 48213,
    }
    return cast("Event", told | changes)
