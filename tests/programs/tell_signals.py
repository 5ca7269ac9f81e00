"""Prints ready, then the name of each signal that it gets; ends at SIGTERM with exit code 0."""

import os
import signal
import sys
from types import FrameType


def tell(number: int, _frame: FrameType | None) -> None:
    """Print the name."""
    # Not print: a signal that comes while print is at work would find its buffer taken, and that is an exception.
    os.write(1, signal.Signals(number).name.encode() + b"\n")
    if number == signal.SIGTERM:
        sys.exit(0)


for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
    signal.signal(each, tell)
os.write(1, b"ready\n")
while True:
    signal.pause()
