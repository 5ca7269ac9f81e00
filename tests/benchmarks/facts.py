"""What the kernel tells of a process: processor time, memory, wake-ups, writes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

import psutil

__all__ = ["Activity", "Memory", "activity", "cpu_seconds", "memory", "threads", "twins"]


class Memory(NamedTuple):
    """Bytes. ``proportional``: pages that are shared count by the share; None where the system does not tell."""

    resident: int
    proportional: int | None


class Activity(NamedTuple):
    """Counters since the start: how often it was given a processor, and bytes that it had written to disk."""

    switches: int
    written: int | None

    def since(self, earlier: Activity) -> Activity:
        """What was added."""
        both = self.written is not None and earlier.written is not None
        return Activity(
            self.switches - earlier.switches, (self.written or 0) - (earlier.written or 0) if both else None
        )


def cpu_seconds(pid: int) -> float:
    """User and system time of the process; not that of its children."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def memory(pid: int) -> Memory:
    """The process's memory now."""
    process = psutil.Process(pid)
    return Memory(process.memory_info().rss, getattr(process.memory_full_info(), "pss", None))


def threads(pid: int) -> int:
    """How many threads it has."""
    return psutil.Process(pid).num_threads()


def twins(pid: int) -> list[int]:
    """Other processes with the very same command line: forked from it, or from one like it."""
    command = psutil.Process(pid).cmdline()
    return [
        found.pid for found in psutil.process_iter(["cmdline"]) if found.info["cmdline"] == command and found.pid != pid
    ]


def activity(pid: int) -> Activity:
    """Context switches of all threads, wanted or not, and bytes to disk (proc(5): status and io)."""
    process = psutil.Process(pid)
    if sys.platform != "linux":
        return Activity(sum(process.num_ctx_switches()), None)
    written = process.io_counters().write_bytes
    # psutil's count is that of the first thread alone.
    return Activity(
        sum(_switches(Path(f"/proc/{pid}/task/{task}")) for task in os.listdir(f"/proc/{pid}/task")), written
    )


def _switches(task: Path) -> int:
    try:
        lines = (task / "status").read_text("ascii", "replace").splitlines()
    except OSError:  # a thread that has just ended
        return 0
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line.split(":")[0])
