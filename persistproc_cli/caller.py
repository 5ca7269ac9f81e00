"""What a command gets from its caller: environment, file mode mask, resource limits and ignored signals."""

from __future__ import annotations

import os

__all__ = ["file_mode_mask", "ignored_signals", "resource_limits"]

# CPython ignores these two for itself at its start (Python/pylifecycle.c), so what we see is not the caller's will.
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFSZ")
_UNLIMITED = -1


def file_mode_mask() -> int:
    """The caller's umask.

    umask(2) cannot be read without being set; Linux tells it in /proc (proc_pid_status(5)), elsewhere it is set to
    the strictest for a moment, so that a file made meanwhile is closed rather than open.
    """
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith("Umask:"):
                    return int(line.split()[1], 8)
    except (OSError, ValueError):
        pass
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def resource_limits() -> dict[str, list[int]]:
    """Soft and hard limit by lower-case name without its prefix: ``{"nofile": [1024, 4096]}``; -1 is unlimited."""
    import resource

    limits: dict[str, list[int]] = {}
    for name in dir(resource):
        if not name.startswith("RLIMIT_") or name == "RLIMIT_OFILE":  # an old name of NOFILE
            continue
        try:
            pair = resource.getrlimit(getattr(resource, name))
        except (OSError, ValueError):
            continue  # known to the headers, not to this kernel
        limits[name[7:].lower()] = [_UNLIMITED if value == resource.RLIM_INFINITY else value for value in pair]
    return limits


def ignored_signals() -> list[str]:
    """Names of the signals that the caller ignores (``nohup``, ``trap ''``)."""
    import signal

    return [
        member.name
        for member in signal.Signals
        if member.name not in _IGNORED_BY_PYTHON and signal.getsignal(member) == signal.SIG_IGN
    ]
