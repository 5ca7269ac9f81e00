"""``python -m tests.crash.racers INTERPRETER HOME``: for each number on standard input so many clients at one moment.

Each is a process of its own and says ``attached PID INSTANCE`` of the daemon that it found or started, or what was
wrong.
"""

from __future__ import annotations

import os
import sys

from persistproc_core.client import Client
from persistproc_core.errors import PersistprocError


def race(home: str, count: int) -> None:
    """Fork them, let them loose together, and wait for them."""
    gate, opener = os.pipe()
    children = []
    for _ in range(count):
        child = os.fork()
        if child == 0:
            os.close(opener)
            os.read(gate, 1)  # returns for all of them when the last writing end is closed
            os.write(1, _attach(home).encode() + b"\n")
            os._exit(0)
        children.append(child)
    os.close(gate)
    os.close(opener)
    for child in children:
        os.waitpid(child, 0)


def _attach(home: str) -> str:
    try:
        with Client(home=home, working_directory="/") as client:
            return f"attached {client.hello['pid']} {client.hello['instance']}"
    except PersistprocError as error:
        return f"{type(error).__name__} {error.message}".replace("\n", " ")


if __name__ == "__main__":
    sys.executable = sys.argv[1]  # what daemons are started with
    for line in sys.stdin:
        race(sys.argv[2], int(line))
