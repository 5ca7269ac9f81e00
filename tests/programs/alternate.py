"""Writes N (100) numbered lines in turn to stdout and stderr, each in one write: alternate.py [N [PAUSE_MS]]."""

import os
import sys
import time

for number in range(int(sys.argv[1]) if len(sys.argv) > 1 else 100):
    os.write(1 + number % 2, b"%d\n" % number)
    if len(sys.argv) > 2:
        time.sleep(float(sys.argv[2]) / 1000)
