"""How long a process has been there: by the clock that its start time was taken from, never by the wall clock."""

from __future__ import annotations

import os
import time

from .identity import HAVE_PROCFS, Identity, boot_id

__all__ = ["age_seconds", "boot_seconds"]

# Darwin has no CLOCK_BOOTTIME, and its CLOCK_MONOTONIC goes on in suspend.
_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_seconds() -> float:
    """Seconds since the machine was started, time in suspend included; nobody can set this clock."""
    return time.clock_gettime(_CLOCK)


def age_seconds(identity: Identity) -> float:
    """Seconds from the start of a process of this boot to now, also when it has ended; 0 for one of another boot.

    On Linux the start is in clock ticks since boot, time in suspend included (proc_pid_stat(5), field 22): that is
    CLOCK_BOOTTIME. Elsewhere it is microseconds since 1970.
    """
    if identity.boot_id != boot_id():
        return 0.0
    if HAVE_PROCFS:
        return max(0.0, boot_seconds() - identity.start / os.sysconf("SC_CLK_TCK"))
    return max(0.0, time.time() - identity.start / 1e6)
