"""Signals to a process that is known by its number alone: only after a look that it is the one that is meant."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["signal_meant"]


def signal_meant(pid: int, number: int, is_meant: Callable[[int], bool]) -> bool:
    """Send the signal when ``is_meant(pid)``. False: it is not, or it is gone, or another user's.

    The process is held by a pidfd over the look (pidfd_open(2)): else the number could be given to a stranger between
    the look and the signal. Where there is no pidfd, that much remains.
    """
    try:
        fd = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else -1
    except ProcessLookupError:
        return False
    except OSError:
        fd = -1  # an old kernel
    try:
        if not is_meant(pid):
            return False
        if fd >= 0:
            signal.pidfd_send_signal(fd, number)
        else:
            os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        if fd >= 0:
            os.close(fd)
    return True
