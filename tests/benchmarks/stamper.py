"""Writes lines of 80 bytes that begin with the time (monotonic, ns): stamper.py LINES AT_ONCE INTERVAL_MS.

So many lines at once, in one write, then a pause; it never tries to catch up. A line is read first: the start.
"""

import os
import sys
import time

lines, at_once, interval = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000
sys.stdin.readline()
following = time.monotonic()
done = 0
while done < lines:
    data = (b"%d " % time.monotonic_ns()).ljust(79, b".") + b"\n"
    os.write(1, data * min(at_once, lines - done))
    done += at_once
    following = max(following + interval, time.monotonic())
    time.sleep(max(0.0, following - time.monotonic()))
