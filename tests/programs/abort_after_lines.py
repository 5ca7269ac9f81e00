"""Prints N (30) lines to stderr, or the stream given, and aborts at once: abort_after_lines.py [N [stdout|stderr]]."""

import os
import sys

count = int(sys.argv[1]) if len(sys.argv) > 1 else 30
fd = 1 if sys.argv[2:] == ["stdout"] else 2
for number in range(1, count + 1):
    os.write(fd, b"line %d of %d\n" % (number, count))
os.abort()
