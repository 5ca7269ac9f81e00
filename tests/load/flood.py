"""Waits for a line of input, then writes N bytes without a newline, as fast as it can: flood.py N."""

import os
import sys

left = int(sys.argv[1])
sys.stdin.readline()
block = b"x" * 65536
while left:
    left -= os.write(1, block[:left])
