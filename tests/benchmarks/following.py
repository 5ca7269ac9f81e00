"""Followers of a log: how soon they know, what they cost the one who writes, and what is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tests.benchmarks import facts
from tests.benchmarks.figures import Figure, Scale, alternately, percentile, spread, stopwatch
from tests.benchmarks.hub import Hub

__all__ = ["crowd", "flood", "latency", "wakeups"]

_HERE = Path(__file__).parent
_LINE = 80


def _program(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-I", "-S", str(_HERE / f"{name}.py"), *map(str, arguments)]


@contextmanager
def _reader(*arguments: object, stdin: IO[bytes] | int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(_program("followers", *arguments), stdin=stdin, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"ready\n"
        yield reader


def _told(reader: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert reader.stdout is not None
    told: dict[str, Any] = json.loads(reader.stdout.readline())
    return told


def _followed(hub: Hub, name: str, command: list[str], followers: int, shape: str = "plain") -> dict[str, Any]:
    """Run a stamper with followers; what they were told."""
    hub.client.start_process(command=command, name=name)
    with _reader(hub.daemon.home.socket, name, followers, shape) as reader:
        hub.client.send_process_input(process=name, input="")
        told = _told(reader)
    hub.remove([name])
    return told


def latency(hub: Hub, scale: Scale) -> list[Figure]:
    """from a child's write of a line to the line at a follower, a line each 15 ms, beside the reader of a pipe"""
    command = _program("stamper", scale.followed_lines, 1, 15)
    told = _followed(hub, "stamper", command, 1)
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child,
        _reader("-", stdin=child.stdout or 0) as reader,
    ):
        assert child.stdin is not None
        child.stdin.write(b"\n")
        child.stdin.close()
        pumped = _told(reader)
    base = [
        Figure(f"a pipe's reader, {what}", percentile(pumped["lags"], share) * 1000, "ms") for what, share in _SHARES
    ]
    return [*spread("line to follower", told["lags"], (1, 25)), *base]


_SHARES = (("p50", 0.5), ("p99", 0.99))


def flood(hub: Hub, scale: Scale) -> list[Figure]:
    """a child writes 1 GB in blocks of 64 KiB with one follower attached, against the same without"""
    command = _program("writer", scale.bulk_bytes, 64 * 1024)
    daemon = hub.daemon.pid
    spent: list[float] = []
    shares: list[float] = []

    def write(followed: bool) -> float:
        # It begins with a read, so that the follower is there before.
        hub.client.start_process(command=["sh", "-c", 'read go; exec "$@"', "sh", *command], name="flood")
        reader = None
        if followed:
            reader = subprocess.Popen(
                _program("followers", hub.daemon.home.socket, "flood", 1, "plain"), stdout=subprocess.PIPE
            )
            assert reader.stdout is not None
            reader.stdout.readline()
        before = facts.cpu_seconds(daemon)
        with stopwatch() as watch:
            hub.client.send_process_input(process="flood", input="")
            hub.client.wait_for_process(process="flood", exit=True, timeout_seconds=3600)
        if reader is not None:
            spent.append(facts.cpu_seconds(daemon) - before)
            with reader:
                ((_, missed, end),) = _told(reader)["followers"]
            assert end == scale.bulk_bytes, "it was told of every byte, as output or as missed"
            shares.append((end - missed) / end)
        hub.remove(["flood"])
        return watch.seconds

    timed = alternately(scale.floods, lambda: write(True), lambda: write(False), warm_up=False)
    return [
        Figure("flood with a follower", timed.ratio, "x", 1.1, timed.said()),
        Figure("flood, processor time of the daemon", sorted(spent)[len(spent) // 2], "s"),
        Figure("flood, shown of it", min(shares) * 100, "%", None, "the rest is told as missed"),
    ]


def crowd(hub: Hub, scale: Scale) -> list[Figure]:
    """20 followers of one log of 10 MB/s"""
    at_once = 625
    lines = int(scale.followed_seconds * 200) * at_once
    keeper, daemon = hub.keeper_pid, hub.daemon.pid
    before = facts.cpu_seconds(keeper), facts.cpu_seconds(daemon)
    told = _followed(hub, "crowd", _program("stamper", lines, at_once, 5), 20, "raw")
    spent = facts.cpu_seconds(keeper) - before[0], facts.cpu_seconds(daemon) - before[1]
    assert all(end == lines * _LINE for _, _, end in told["followers"])
    detail = f"{lines * _LINE / 1e6:.0f} MB to each of {len(told['followers'])}"
    return [
        Figure("20 followers, bytes lost", max(missed for _, missed, _ in told["followers"]), "bytes", 0, detail),
        Figure("20 followers, lag, p50", percentile(told["lags"], 0.5) * 1000, "ms"),
        Figure("20 followers, lag, p99", percentile(told["lags"], 0.99) * 1000, "ms"),
        Figure("20 followers, processor time of the keeper", spent[0], "s"),
        Figure("20 followers, processor time of the daemon", spent[1], "s"),
    ]


def wakeups(hub: Hub, scale: Scale) -> list[Figure]:
    """wake-ups (context switches of all threads) a second while a child prints a line each ms and one follows"""
    parts = {"daemon": hub.daemon.pid, "keeper": hub.keeper_pid}
    before = {who: facts.activity(pid) for who, pid in parts.items()}
    lines = int(scale.followed_seconds * 1000)
    with stopwatch() as watch:
        told = _followed(hub, "printer", _program("stamper", lines, 1, 1), 1)
    figures = [
        Figure(f"{who}, wake-ups a second", facts.activity(pid).since(before[who]).switches / watch.seconds, "")
        for who, pid in parts.items()
    ]
    ((messages, _, _),) = told["followers"]
    return [*figures, Figure("messages a second", messages / watch.seconds, "", 130, f"of {lines} lines")]
