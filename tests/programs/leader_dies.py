"""Starts a member of its group that ignores SIGTERM, prints member PID and ready, and exits at once with code 0."""

import os
import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)
member = os.fork()
if member == 0:
    os.execvp("sleep", ["sleep", "1000"])
print("member", member, flush=True)
print("ready", flush=True)
os._exit(0)
