"""Follows a process several times over: followers.py SOCKET PROCESS COUNT FORMAT; ``-`` follows standard input.

Says ``ready``; at the end of the run one line of JSON: messages, missed bytes and end of each follower, and the lags in
seconds of what the first one was told. Standard library alone, and no more work than that takes.
"""

from __future__ import annotations

import json
import os
import re
import select
import socket
import sys
import time

_TOLD = re.compile(rb'"cursor":"\d+:(\d+):\d+","lossy":(?:true|false),"missed_bytes":(\d+)\}\}$')
_STAMP = re.compile(rb"(\d{6,}) \.")


class Follower:
    """One subscription on a connection of its own."""

    def __init__(self, path: str, process: str, shape: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.buffer = bytearray()
        self.messages = self.missed = self.end = 0
        self.over = False
        params = {"processes": [process], "format": shape, "cursors": {process: "start"}}
        request = {"jsonrpc": "2.0", "id": 1, "method": "follow_process_output", "params": params}
        self.socket.sendall(json.dumps(request).encode() + b"\n")

    def receive(self) -> list[bytes]:
        """What one read brings, as messages about output."""
        data = self.socket.recv(262144)
        if not data:
            raise EOFError("the daemon closed the connection")
        begun = len(self.buffer)
        self.buffer += data
        if self.buffer.find(b"\n", begun) < 0:
            return []
        *lines, rest = self.buffer.split(b"\n")
        self.buffer = bytearray(rest)
        outputs = []
        for line in lines:
            if b'"method":"process_output"' in line[:60]:
                told = _TOLD.search(line, max(0, len(line) - 200))
                assert told, line[-200:]
                self.messages += 1
                self.end, self.missed = int(told[1]), self.missed + int(told[2])
                outputs.append(bytes(line))
            elif b'"type":"exited"' in line or b'"type":"failed"' in line:
                self.over = True
        return outputs


def follow(path: str, process: str, count: int, shape: str) -> None:
    """Follow until the run has ended."""
    followers = {
        follower.socket.fileno(): follower for follower in (Follower(path, process, shape) for _ in range(count))
    }
    first = next(iter(followers.values()))
    lags: list[float] = []
    poll = select.poll()
    for fd in followers:
        poll.register(fd, select.POLLIN)
    print("ready", flush=True)
    while not all(follower.over for follower in followers.values()):
        for fd, _ in poll.poll():
            outputs = followers[fd].receive()
            if followers[fd] is first and outputs:
                now = time.monotonic_ns()
                lags += [(now - int(stamp)) / 1e9 for output in outputs for stamp in _first_and_last(output)]
    told = [(follower.messages, follower.missed, follower.end) for follower in followers.values()]
    print(json.dumps({"followers": told, "lags": lags}), flush=True)


def _first_and_last(data: bytes) -> set[bytes]:
    found = _STAMP.findall(data) if len(data) < 20_000 else [*_STAMP.findall(data[:400]), *_STAMP.findall(data[-600:])]
    return {found[0], found[-1]} if found else set()


def pump() -> None:
    """The least that can be done: read a pipe."""
    lags: list[float] = []
    print("ready", flush=True)
    while data := os.read(0, 65536):
        now = time.monotonic_ns()
        lags += [(now - int(stamp)) / 1e9 for stamp in _first_and_last(data)]
    print(json.dumps({"followers": [], "lags": lags}), flush=True)


if sys.argv[1] == "-":
    pump()
else:
    follow(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
