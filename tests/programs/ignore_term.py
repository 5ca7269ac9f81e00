"""Ignores SIGTERM, or the signals given by name; prints ready and sleeps."""

import signal
import sys

for name in sys.argv[1:] or ["SIGTERM"]:
    signal.signal(signal.Signals[name], signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
