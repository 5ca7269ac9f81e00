"""One bridge under load, and what it holds before, meanwhile and after."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.benchmarks.facts import twins
from tests.kit import eventually
from tests.kit.bridge import Bridge
from tests.load.callers import Callers
from tests.load.holdings import Slope, connections_to, descriptors, slope
from tests.load.vanishing import Vanishing

__all__ = ["Campaign", "Figures"]

_SAMPLES = 40
_STEP_MIB = 0.5
_LINES = "i=0; while [ $i -lt 300 ]; do echo line $i of it; i=$((i+1)); done; exec sleep 100000"
_DRAINED_WITHIN = 30.0
_KEPT = 16
"""How many idle connections a client keeps (`persistproc_core.client.aio`)."""
_IDLE_WITHIN = 90.0
"""The daemon closes a connection that nothing was asked on for a minute."""


class Figures:
    """What was found; an empty list of ``findings`` is what is wanted."""

    def __init__(self) -> None:
        self.findings: list[str] = []
        self.lines: list[str] = []

    def tell(self, what: str) -> None:
        """Something that was measured."""
        self.lines.append(what)

    def judge(self, right: bool, what: str) -> None:
        """Something that was measured and must be so."""
        self.lines.append(what if right else f"{what}  <-- WRONG")
        if not right:
            self.findings.append(what)


class Campaign:
    """``most_kib`` is the most that a call or a client may add to the memory of any of the processes."""

    def __init__(self, bridge: Bridge, directory: Path, *, most_kib: float, until_idle: bool) -> None:
        self.figures = Figures()
        self._bridge = bridge
        self._directory = str(directory)
        self._most_kib = most_kib
        self._until_idle = until_idle
        self._pids: dict[str, int] = {}
        self._daemon_socket = bridge.home.socket

    def run(self, calls: int, clients: int) -> Figures:
        """Load it and judge. Raises what a call that was answered wrongly raises."""
        with self._processes():
            callers = Callers(self._bridge.port, self._directory)
            vanishing = Vanishing(self._bridge.port, self._directory, seed=1)
            # As many at once as later, for what is made once for each: pools, threads, modules that are loaded late.
            callers.call(40)
            vanishing.vanish(44)
            before = self._rested()
            self._load("calls", callers.call, calls)
            self._load("vanishing clients", vanishing.vanish, clients)
            after = self._rested_like(before)
            for name, count in before.items():
                now = after[name]
                self.figures.judge(now <= count, f"{name}: {count} before, {now} after")
        return self.figures

    @contextmanager
    def _processes(self) -> Iterator[None]:
        with self._bridge.client(self._directory) as client:
            client.start_process(command=["/bin/sh", "-c", _LINES], name="web")
            client.wait_for_process(process="web", output="line 299")
            keeper = client.get_daemon_status()["keeper_pid"]
            assert keeper is not None
            self._pids = {"bridge": self._bridge.pid, "daemon": client.hello["pid"], "keeper": keeper}
            self._pids.update(zip(["holder"], twins(keeper), strict=False))
        yield
        with self._bridge.client(self._directory) as client:
            client.stop_process(process="web", signal="SIGKILL")
            client.remove_process(process="web")

    def _load(self, what: str, act: Callable[[int], int], count: int) -> None:
        samples: dict[str, list[tuple[int, int]]] = {name: [] for name in self._pids}
        done, began = 0, time.monotonic()
        for _ in range(_SAMPLES):
            done += act(max(4, count // _SAMPLES))
            for name, pid in self._pids.items():
                samples[name].append((done, psutil.Process(pid).memory_info().rss))
        self.figures.tell(f"{done} {what} in {time.monotonic() - began:.0f} s")
        for name, taken in samples.items():
            self._judge_memory(f"{name}, memory over the second half of {what}", slope(taken))

    def _judge_memory(self, what: str, found: Slope) -> None:
        text = f"{what}: {found.kib_per_call:+.3f} KiB each, {found.first_mib:.1f} to {found.last_mib:.1f} MiB"
        # An allocator takes memory in steps, and one of them is a slope over few calls.
        grown = found.last_mib - found.first_mib
        self.figures.judge(found.kib_per_call < self._most_kib or grown < _STEP_MIB, text)

    def _rested(self) -> dict[str, int]:
        """What is open once nothing is under way: descriptors of each process but those of idle connections."""
        self._drain()
        if self._until_idle:
            eventually(lambda: self._to_daemon() == 0, _IDLE_WITHIN, "the daemon has no connection left")
            # It notices with the next call that the daemon has closed those that it kept.
            Callers(self._bridge.port, self._directory).call(4)
        connections = self._to_daemon()
        counts = {f"{name}, descriptors": descriptors(pid) for name, pid in self._pids.items()}
        # How many connections are kept for the next calls is chance; that there are few is not.
        counts["bridge, descriptors"] -= connections
        counts["daemon, descriptors"] -= connections
        return counts

    def _rested_like(self, before: dict[str, int]) -> dict[str, int]:
        # Of a connection that is just ending one side is open for a moment longer; what leaks stays.
        deadline = time.monotonic() + _DRAINED_WITHIN
        while True:
            after = self._rested()
            if all(after[name] <= count for name, count in before.items()) or time.monotonic() > deadline:
                return after

    def _drain(self) -> None:
        # All requests are over when there are only idle connections, whose number is bounded.
        eventually(lambda: self._to_daemon() <= _KEPT, _DRAINED_WITHIN, "what was under way has ended")
        eventually(lambda: not _clients_of(self._bridge), _DRAINED_WITHIN, "the bridge has no client left")

    def _to_daemon(self) -> int:
        return connections_to(self._pids["daemon"], self._daemon_socket)


def _clients_of(bridge: Bridge) -> int:
    connections = psutil.Process(bridge.pid).net_connections("tcp")
    return sum(each.status != psutil.CONN_LISTEN for each in connections)
