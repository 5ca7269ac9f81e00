"""Starts a grandchild of each kind named, prints KIND PID for each, then ready, and sleeps: spawn_tree.py KIND...

Kinds: plain (a child), background (sh -c 'sleep &'), nohup, setsid (its own session), double (forked twice, in its own
session, parent gone). With ignore-term among them the grandchildren ignore SIGTERM.
"""

import os
import signal
import subprocess
import sys
import time

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


def executed(pid: int) -> int:
    """The pid, once it is what it is to be: in the middle of execve(2) a process shows no environment, to nobody."""
    while sys.platform == "linux":
        with open(f"/proc/{pid}/cmdline", "rb") as words:
            if words.read().split(b"\0")[0] == SLEEP[0].encode():
                break
        time.sleep(0.001)
    return pid


kinds = sys.argv[1:]
if "ignore-term" in kinds:
    kinds.remove("ignore-term")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # survives exec: the grandchildren inherit it
for kind in kinds:
    start = {"plain": plain, "background": background, "nohup": nohup, "setsid": setsid, "double": double}[kind]
    print(kind, executed(start()), flush=True)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
print("ready", flush=True)
while True:
    signal.pause()
