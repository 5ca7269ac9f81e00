"""Prints the size of its terminal, and again at each SIGWINCH; ends at end-of-file."""

import os
import signal
import sys


def tell(*_: object) -> None:
    """Print rows and columns."""
    size = os.get_terminal_size(1)
    os.write(1, b"%d x %d\n" % (size.lines, size.columns))


signal.signal(signal.SIGWINCH, tell)
tell()
sys.stdin.read()
