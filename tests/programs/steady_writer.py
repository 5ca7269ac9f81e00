"""Writes numbered lines (out 0, err 0, out 1, ...) to both streams until SIGTERM: steady_writer.py [PAUSE_MS [WIDTH]].

At SIGTERM it writes a last line (out end N, N = lines written to each stream) and exits with code 0, so that a test
can tell that no byte at the start, in the middle or at the end is missing.
"""

import os
import signal
import sys
import time
from types import FrameType

pause = float(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.001
width = int(sys.argv[2]) if len(sys.argv) > 2 else 0
over = False


def end(_number: int, _frame: FrameType | None) -> None:
    """Write no further line."""
    global over
    over = True


def write(fd: int, data: bytes) -> None:
    """All of it: a write to a full pipe may take only a part."""
    while data:
        data = data[os.write(fd, data) :]


signal.signal(signal.SIGTERM, end)
count = 0
while not over:
    for fd, name in ((1, b"out"), (2, b"err")):
        write(fd, (b"%s %d" % (name, count)).ljust(width) + b"\n")
    count += 1
    time.sleep(pause)
for fd, name in ((1, b"out"), (2, b"err")):
    write(fd, b"%s end %d\n" % (name, count))
