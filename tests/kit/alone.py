"""What keeps tests and campaigns away from the hub of whoever runs them."""

from __future__ import annotations

import os
import signal
import sys

__all__ = ["end_unwinding", "forget_hubs", "hub_variables"]


def hub_variables() -> list[str]:
    """The variables of the shell that runs this which would lead to the user's own hub, or hide what others meet.

    Without buffers nobody sees that a line was never flushed.
    """
    return [name for name in os.environ if name.startswith("PERSISTPROC_") or name == "PYTHONUNBUFFERED"]


def forget_hubs() -> None:
    """Remove them, for good."""
    for name in hub_variables():
        del os.environ[name]


def end_unwinding() -> None:
    """Have SIGTERM unwind, so that nothing is left behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
