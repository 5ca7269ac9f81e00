"""Prints ready and sleeps until a signal ends it."""

import signal

print("ready", flush=True)
while True:
    signal.pause()
