"""Writes numbered lines to both streams, so many bytes a second in all, until a signal ends it: chatter.py BYTES."""

import os
import sys
import time

TICK = 0.05
LINE = 100

block = max(int(float(sys.argv[1]) * TICK), LINE)
count = 0
following = time.monotonic()
while True:
    lines = [b"%010d %s\n" % (count + number, b"x" * (LINE - 12)) for number in range(block // LINE)]
    count += len(lines)
    data = memoryview(b"".join(lines))
    stream = 2 if count % 5 == 0 else 1
    while data:
        data = data[os.write(stream, data) :]
    following = max(following + TICK, time.monotonic() - 1)
    time.sleep(max(0.0, following - time.monotonic()))
