"""A run's FIFOs after somebody deleted their names: whoever has one open still has it.

On Linux ``/proc/PID/fd/N`` opens the very same FIFO (proc_pid_fd(5)). A descriptor that was opened so is believed only
when the kernel says of it that it once had the name ``runs/<run id>/<stream>``: a run id comes once in the world.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

__all__ = ["home_of", "open_nameless"]

_STREAMS = ("stdin", "stdout", "stderr")
_DELETED = " (deleted)"


def open_nameless(run_id: str, stream: str, pid: int, flags: int) -> int | None:
    """A descriptor of the FIFO ``stream`` of a run, by way of a process that has it open; None when it has not.

    ``flags`` are those of open(2); it never blocks. Blocks for as long as /proc takes.
    """
    for link in _descriptors(pid):
        if _stream_of(link, run_id) != stream:
            continue
        try:
            fd = os.open(link, flags | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        # Only what was opened counts: the number may have come to mean another file between the two calls.
        if _stream_of(f"/proc/self/fd/{fd}", run_id) == stream:
            return fd
        os.close(fd)
    return None


def home_of(run_id: str, pids: Iterable[int]) -> str | None:
    """The folder of runs in which the FIFOs of these processes are, or were; None when none has one open."""
    for pid in pids:
        for link in _descriptors(pid):
            path = _path_of(link)
            if _named(path, run_id):
                return os.path.dirname(os.path.dirname(path))
    return None


def _descriptors(pid: int) -> list[str]:
    try:
        return [f"/proc/{pid}/fd/{number}" for number in sorted(os.listdir(f"/proc/{pid}/fd"), key=int)]
    except OSError:
        return []


def _stream_of(link: str, run_id: str) -> str | None:
    path = _path_of(link)
    return os.path.basename(path) if _named(path, run_id) else None


def _named(path: str, run_id: str) -> bool:
    folder, stream = os.path.split(path)
    runs, name = os.path.split(folder)
    return name == run_id and stream in _STREAMS and os.path.basename(runs) == "runs"


def _path_of(link: str) -> str:
    try:
        return os.readlink(link).removesuffix(_DELETED)
    except OSError:
        return ""
