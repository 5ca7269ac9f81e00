"""Starts a grandchild of each kind named, prints KIND PID for each, then ready, and sleeps: spawn_tree.py KIND...

Kinds: plain (a child), background (sh -c 'sleep &'), nohup, setsid (its own session), double (forked twice, in its own
session, parent gone). With ignore-term among them the grandchildren ignore SIGTERM.
"""

import os
import signal
import subprocess
import sys

SLEEP = ["sleep", "1000"]


def plain() -> int:
    """A child in our group."""
    return subprocess.Popen(SLEEP).pid


def background() -> int:
    """Left behind by a shell that is gone, in our group."""
    return int(subprocess.check_output(["sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!"]))


def nohup() -> int:
    """The same, with SIGHUP ignored."""
    return int(subprocess.check_output(["sh", "-c", "nohup sleep 1000 </dev/null >/dev/null 2>&1 & echo $!"]))


def setsid() -> int:
    """A child that leads a session of its own."""
    return subprocess.Popen(SLEEP, start_new_session=True).pid


def double() -> int:
    """What a program that makes itself a daemon leaves: another session, another parent."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(writer, b"%d\n" % os.getpid())
            os.execvp(SLEEP[0], SLEEP)
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        return int(answer.readline())


kinds = sys.argv[1:]
if "ignore-term" in kinds:
    kinds.remove("ignore-term")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # survives exec: the grandchildren inherit it
for kind in kinds:
    start = {"plain": plain, "background": background, "nohup": nohup, "setsid": setsid, "double": double}[kind]
    print(kind, start(), flush=True)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
print("ready", flush=True)
while True:
    signal.pause()
