"""A live daemon and lines that are nearly requests: one answer each, strict JSON, and nobody else notices."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

from tests.fuzz.grammar import Grammar
from tests.fuzz.lines import golden
from tests.fuzz.live import LiveDaemon, Memory, Probe, Victims, exchange
from tests.fuzz.oracle import expected_replies, told_replies
from tests.fuzz.target import LiveTarget
from tests.kit import Daemon

__all__ = ["DaemonSocket"]

_AT_ONCE = 64
_WARM_UP = 20
"""Connections, until everything that is loaded or kept once is there."""
_LONG = (b"x" * (1 << 20) + b"\n", b'{"a":"' + b"y" * (1 << 20), b"[" * 100_000 + b"\n", b" " * (1 << 20) + b"{}\n")


class DaemonSocket(LiveTarget):
    """One case is all that one client sends: dozens of lines, and then it only listens."""

    name = "daemon"
    cases = 200_000
    most_seconds = 30.0

    def __init__(self, daemon: Daemon | None = None) -> None:
        """``daemon``: one that runs already, without processes."""
        self._given = daemon

    def _begin(self, stack: ExitStack) -> None:
        self._live = LiveDaemon(stack, self._given)
        self._path = self._live.daemon.socket
        self._victims = Victims(self._path, self._live.directory)
        stack.callback(self._victims.close)
        self._grammar = Grammar(self._live.directory, Victims.NAMES, golden())
        self._memory = Memory(self._live.daemon.pid)
        self._probe = stack.enter_context(Probe(self._path))
        self._connections = 0

    def corpus(self) -> list[bytes]:
        # The golden lines themselves would end the daemon.
        return [*super().corpus(), *_LONG]

    def make(self, chance: random.Random) -> bytes:
        lines = b"".join(self._grammar.line(chance) for _ in range(_AT_ONCE))
        return lines + chance.choice(_LONG) if chance.randrange(50) == 0 else lines

    def check(self, case: bytes) -> int:
        expected, count = expected_replies(case)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(self._path)
            answer = exchange(connection, case)
        told, errors = told_replies(answer)
        internal = [error for error in errors if error["code"] == -32603]
        assert not internal, internal
        assert told == expected, f"missing {expected - told}, not asked for {told - expected}"
        self._connections += 1
        if self._connections == _WARM_UP:
            self._memory.begin()
        if self._connections % 100 == 0:
            self._victims.check()
        return count

    def facts(self) -> list[str]:
        self._victims.check()
        self._live.check()
        return [self._probe.told(), self._memory.check()]
