"""Holds a lock while it lives, and tells when another one holds it already: alone.py LOCK_FILE.

Prints ready, or appends a line to LOCK_FILE.broken and exits with code 99.
"""

import fcntl
import os
import signal
import sys

lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    with open(sys.argv[1] + ".broken", "a", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")
    sys.exit(99)
os.write(1, b"ready\n")
while True:
    signal.pause()
