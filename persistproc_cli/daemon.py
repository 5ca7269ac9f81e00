"""Waiting for the daemon's end."""

from __future__ import annotations

import os
import time

__all__ = ["wait_until_gone"]

_SECONDS = 10.0
_PAUSE = 0.02


def wait_until_gone(pid: int, within: float = _SECONDS) -> bool:
    """Wait until a process is gone; False when it is still there after that time.

    The daemon answers a shutdown before it ends; who then looks at the list, or starts the next daemon, would find one
    that is about to end.
    """
    opened = getattr(os, "pidfd_open", None)
    if opened is None:
        return _poll(pid, within)
    try:
        descriptor: int = opened(pid)
    except ProcessLookupError:
        return True
    except OSError:
        return _poll(pid, within)
    import select

    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(within * 1000))
    finally:
        os.close(descriptor)


def _poll(pid: int, within: float) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return True  # a stranger: the number was used again
        time.sleep(_PAUSE)
    return False
