"""Many connections at once against a daemon, from one loop: crowd.py SOCKET CONNECTIONS SECONDS DIRECTORY NAME...

With SECONDS each connection asks again and again, a mix of what clients ask; the last five restart a process of their
own. Without (0) each asks one thing and hangs up. Prints one line of JSON: seconds of each answer to a question, of
each restart, errors, and how long all took. Standard library alone, and no more work than that takes.
"""

from __future__ import annotations

import json
import resource
import select
import socket
import sys
import time

QUESTIONS = ("list_processes", "get_process_status", "get_process_output", "get_process_log_paths", "list_marks")
RESTARTERS = 5


class Caller:
    """One connection, one question at a time."""

    def __init__(self, number: int, path: str, directory: str, names: list[str], *, restarts: bool) -> None:
        self.number, self.path, self.directory, self.names = number, path, directory, names
        self.restarts = restarts
        self.asked = 0
        self.begun = 0.0
        self.buffer = b""
        self.seconds: list[float] = []
        self.errors = 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.setblocking(False)

    def connect(self) -> bool:
        """False: the daemon's queue is full, try again (connect(2), EAGAIN)."""
        try:
            self.socket.connect(self.path)
        except BlockingIOError:
            return False
        return True

    def ask(self) -> None:
        """The next question."""
        self.asked += 1
        method = "restart_process" if self.restarts else QUESTIONS[(self.number + self.asked) % len(QUESTIONS)]
        params: dict[str, object] = {"working_directory": self.directory}
        if self.restarts or "get_process" in method:
            params["process"] = self.names[self.number % len(self.names)]
        if method == "get_process_output":
            params["lines"] = 20
        self.begun = time.perf_counter()
        line = json.dumps({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}).encode() + b"\n"
        self.socket.send(line)

    def take(self) -> bool:
        """Read; whether an answer is complete. Raises `EOFError`."""
        data = self.socket.recv(262144)
        if not data:
            raise EOFError("the daemon hung up")
        self.buffer += data
        *lines, self.buffer = self.buffer.split(b"\n")
        answered = False
        for line in lines:
            if b'"method":"hello"' not in line[:60]:
                self.seconds.append(time.perf_counter() - self.begun)
                self.errors += b'"error":' in line[:60]
                answered = True
        return answered


def converse(callers: list[Caller], seconds: float) -> None:
    """Ask until the time is over and every answer is there."""
    poll = select.poll()
    by_fd = {caller.socket.fileno(): caller for caller in callers}
    for caller in callers:
        while not caller.connect():
            select.select([], [], [], 0.001)
        poll.register(caller.socket, select.POLLIN)
        caller.ask()
    end = time.perf_counter() + seconds
    waiting = len(callers)
    while waiting:
        for fd, _ in poll.poll(30_000):
            if by_fd[fd].take():
                if time.perf_counter() < end:
                    by_fd[fd].ask()
                else:
                    waiting -= 1


def come_and_go(callers: list[Caller]) -> None:
    """Connect all at once; each asks one thing when it is in, and hangs up when it is answered."""
    poll = select.poll()
    by_fd = {caller.socket.fileno(): caller for caller in callers}
    begun = time.perf_counter()
    outside = list(callers)
    inside = 0
    while outside or inside:
        still_outside = []
        for index, caller in enumerate(outside):
            if not caller.connect():
                still_outside = outside[index:]
                break
            poll.register(caller.socket, select.POLLIN)
            caller.ask()
            caller.begun = begun  # what counts is since it wanted in
            inside += 1
        outside = still_outside
        for fd, _ in poll.poll(1 if outside else 30_000):
            if by_fd[fd].take():
                poll.unregister(fd)
                by_fd[fd].socket.close()
                inside -= 1


def main() -> None:
    """Run it and tell."""
    path, connections, seconds, directory, *names = sys.argv[1:]
    count = int(connections)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    lasting = float(seconds) > 0
    callers = [
        Caller(number, path, directory, names, restarts=lasting and count - number <= RESTARTERS)
        for number in range(count)
    ]
    begun = time.perf_counter()
    if lasting:
        converse(callers, float(seconds))
    else:
        come_and_go(callers)
    told = {
        "asked": [each for caller in callers if not caller.restarts for each in caller.seconds],
        "restarts": [each for caller in callers if caller.restarts for each in caller.seconds],
        "errors": sum(caller.errors for caller in callers),
        "seconds": time.perf_counter() - begun,
    }
    print(json.dumps(told))


main()
