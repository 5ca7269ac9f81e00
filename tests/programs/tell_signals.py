"""Prints ready, then the name of each signal that it gets; ends at SIGTERM with exit code 0."""

import signal
import sys
from types import FrameType


def tell(number: int, _frame: FrameType | None) -> None:
    """Print the name."""
    print(signal.Signals(number).name, flush=True)
    if number == signal.SIGTERM:
        sys.exit(0)


for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
    signal.signal(each, tell)
print("ready", flush=True)
while True:
    signal.pause()
