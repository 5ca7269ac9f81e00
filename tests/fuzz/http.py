"""A live bridge and bytes that are nearly HTTP: never an error of the server's, never anything started."""

from __future__ import annotations

import http.client
import os
import random
import re
import select
import shutil
import socket
import tempfile
import time
from contextlib import ExitStack

from tests.fuzz.http_grammar import HttpGrammar
from tests.fuzz.live import Memory
from tests.fuzz.target import LiveTarget
from tests.kit import Guard
from tests.kit.bridge import Bridge
from tests.kit.guard import TEST_VARIABLE

__all__ = ["BridgeHttp"]

_AT_ONCE = 64
_WARM_UP = 15
_SLOW = 16
_QUIET_SECONDS = 0.12
"""A connection on which nothing came for so long waits for more: it is told that this was all."""
_WITHIN = 20.0
_BETWEEN = b"\n=== another connection ===\n"
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3})[ \r]")
_RIGHT = range(100, 500)
_VERSION_NOT_SUPPORTED = 505
"""The one answer above 499 that is the client's fault (RFC 9110, section 15.6.6)."""


class BridgeHttp(LiveTarget):
    """One case is what dozens of clients send at once."""

    name = "http"
    cases = 100_000
    most_seconds = 40.0
    shrink_seconds = 0.0

    def __init__(self, bridge: Bridge | None = None) -> None:
        """``bridge``: one that runs already."""
        self._given = bridge

    def _begin(self, stack: ExitStack) -> None:
        self._directory = tempfile.mkdtemp(prefix="pp-fuzz-")
        stack.callback(shutil.rmtree, self._directory, ignore_errors=True)
        self._bridge = self._given or _own_bridge(stack)
        self._logged = len(self._bridge.log())
        self._grammar = HttpGrammar(self._bridge.port, self._directory)
        self._memory = Memory(self._bridge.pid)
        self._slow = [stack.enter_context(socket.socket()) for _ in range(_SLOW)]
        for connection in self._slow:
            connection.connect(("127.0.0.1", self._bridge.port))
        self._begun = time.monotonic()
        self._tries = self._cut = 0

    def make(self, chance: random.Random) -> bytes:
        return _BETWEEN.join(self._grammar.connection(chance) for _ in range(_AT_ONCE))

    def check(self, case: bytes) -> int:
        sent = case.split(_BETWEEN)
        answers = _exchange(self._bridge.port, sent)
        for data, answer in zip(sent, answers, strict=True):
            wrong = [status for status in map(int, _STATUS.findall(answer)) if status not in _RIGHT]
            assert not [status for status in wrong if status != _VERSION_NOT_SUPPORTED], (data[:2000], answer[:2000])
            assert not answer or answer.startswith(b"HTTP/1.1 "), (data[:2000], answer[:2000])
            assert b"Traceback" not in answer, answer[:2000]
        assert os.listdir(self._directory) == [], "a hostile request has started something"
        self._trickle()
        self._tries += 1
        if self._tries == _WARM_UP:
            self._memory.begin()
        return sum(max(1, data.count(b"HTTP/1.1")) for data in sent)

    def _trickle(self) -> None:
        """One more byte of a head that never ends, on each of the slow connections."""
        for connection in list(self._slow):
            try:
                connection.send(b"G" if self._tries == 0 else b"X", socket.MSG_NOSIGNAL)
            except OSError:
                self._slow.remove(connection)
                self._cut += 1

    def facts(self) -> list[str]:
        with self._bridge.client(self._directory) as client:
            assert client.list_processes()["processes"] == []
        log = self._bridge.log()[self._logged :]
        assert " error " not in log, log[-4000:]
        connection = http.client.HTTPConnection("127.0.0.1", self._bridge.port, timeout=_WITHIN)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        connection.close()
        # A head that has not ended after ten seconds is not waited for any longer.
        assert self._cut == _SLOW or time.monotonic() - self._begun < 15, (
            f"{len(self._slow)} slow clients are still there"
        )
        return [f"slow clients cut {self._cut} of {_SLOW}", self._memory.check()]


def _own_bridge(stack: ExitStack) -> Bridge:
    guard = Guard()
    stack.callback(guard.clean_up)
    bridge = Bridge(guard, guard.new_home(), {TEST_VARIABLE: guard.token})
    bridge.start()
    stack.callback(bridge.tear_down)
    return bridge


class _Exchange:
    """One connection of many."""

    def __init__(self, port: int, data: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), _WITHIN)
        self.socket.setblocking(False)
        self.left = memoryview(data)
        self.answer = bytearray()
        self.told_the_end = False
        self.over = False

    def go_on(self, ready: int) -> None:
        """Read and write what can be."""
        try:
            if ready & ~select.POLLOUT:
                part = self.socket.recv(1 << 18)
                self.answer += part
                self.over = not part
            if self.left and not self.over:
                self.left = self.left[self.socket.send(self.left) :]
        except BlockingIOError:
            pass
        except OSError:
            self.over = True  # refused before all of it was read

    def hurry(self) -> None:
        """Nothing came for a while: it waits for more than there is, or it streams."""
        if self.told_the_end:
            return
        self.told_the_end = True
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.over = True


def _exchange(port: int, sent: list[bytes]) -> list[bytes]:
    """Send each on a connection of its own, all at once; what came back until the ends. Raises `TimeoutError`."""
    all_of_them = [_Exchange(port, data) for data in sent]
    try:
        deadline = time.monotonic() + _WITHIN
        while running := {each.socket.fileno(): each for each in all_of_them if not each.over}:
            poll = select.poll()
            for fd, each in running.items():
                poll.register(fd, select.POLLIN | (select.POLLOUT if each.left else 0))
            ready = poll.poll(_QUIET_SECONDS * 1000)
            for fd, events in ready:
                running[fd].go_on(events)
            if not ready:
                for each in running.values():
                    each.hurry()
            if time.monotonic() > deadline:
                waiting = [bytes(data)[:500] for data, each in zip(sent, all_of_them, strict=True) if not each.over]
                raise TimeoutError(f"after {_WITHIN} s these connections are open: {waiting}")
        return [bytes(each.answer) for each in all_of_them]
    finally:
        for each in all_of_them:
            each.socket.close()
