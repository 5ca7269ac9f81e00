"""Prints the size of its terminal, and again at each SIGWINCH; ends at end-of-file."""

import os
import select
import signal


def tell() -> None:
    """Print rows and columns."""
    size = os.get_terminal_size(1)
    os.write(1, b"%d x %d\n" % (size.lines, size.columns))


# A signal that comes right before a read would only be looked at after it: so it wakes the select.
told, wake = os.pipe()
os.set_blocking(wake, False)
signal.set_wakeup_fd(wake)
signal.signal(signal.SIGWINCH, lambda *_: None)
tell()
while True:
    ready = select.select([0, told], [], [])[0]
    if told in ready:
        os.read(told, 100)
        tell()
    if 0 in ready and not os.read(0, 100):
        break
