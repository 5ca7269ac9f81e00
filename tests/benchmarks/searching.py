"""Searches in a large log, against ``grep -E`` over the same bytes in one file."""

from __future__ import annotations

import os
import random
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tests.benchmarks import facts
from tests.benchmarks.figures import Figure, Scale, alternately, stopwatch
from tests.benchmarks.hub import Hub, run_timed

__all__ = ["search"]

_SAMPLE_SECONDS = 0.005
_FOUND = b"Traceback: ERROR, no error before: slow query took 12345ms\n"
"""The first line of the log and the only one that is found: whoever wants the newest has to read all."""


class _Pattern(NamedTuple):
    name: str
    text: str
    ignore_case: bool = False


_PATTERNS = (
    _Pattern("one word", "ERROR"),
    _Pattern("a common word", "error"),
    _Pattern("a word of several", "panic|fatal|Traceback"),
    _Pattern("a word and a number", "query took [0-9]+ms"),
    _Pattern("a number at the end", "[0-9]{5}ms$"),
    _Pattern("a word in any case", "ERROR", ignore_case=True),
)


def search(hub: Hub, scale: Scale) -> list[Figure]:
    """the newest line that matches, which is the first of 1 GB, against ``grep -E`` on a file of the same bytes"""
    path = os.path.join(hub.directory, "searched")
    _write(path, scale.bulk_bytes)
    hub.client.start_process(command=["cat", path], name="searched", keep_bytes=2 * os.path.getsize(path))
    hub.client.wait_for_process(process="searched", exit=True, timeout_seconds=3600)
    figures = [figure for pattern in _PATTERNS for figure in _compared(hub, path, pattern, scale.floods)]
    hub.client.remove_process(process="searched")
    os.unlink(path)
    return figures


def _write(path: str, size: int) -> None:
    chance = random.Random(1)
    lines = [
        b"2026-11-22T20:%02d:%02d.%03dZ INFO GET /api/items/%06d handled in %04d ms by worker %d"
        % tuple(chance.randrange(most) for most in (60, 60, 1000, 10**6, 10**4, 9))
        for _ in range(10_000)
    ]
    block = b"".join(line.ljust(79) + b"\n" for line in lines)
    with open(path, "wb") as file:
        file.write(_FOUND)
        while file.tell() < size:
            file.write(block)


def _compared(hub: Hub, path: str, pattern: _Pattern, count: int) -> list[Figure]:
    grown: list[int] = []

    def ours() -> float:
        with ThreadPoolExecutor(1) as pool, stopwatch() as watch:
            reply = pool.submit(_newest, hub, pattern)
            before = most = facts.memory(hub.daemon.pid).resident
            while not reply.done():
                most = max(most, facts.memory(hub.daemon.pid).resident)
                time.sleep(_SAMPLE_SECONDS)
            assert reply.result() == [_FOUND.decode().removesuffix("\n")], f"{pattern.text} was not found in time"
        grown.append(most - before)
        return watch.seconds

    def base() -> float:
        # To a file: with its output in /dev/null grep would leave after the first line.
        with open(os.path.join(hub.directory, "counted"), "wb") as counted:
            options = ["-c", "-E", *(["-i"] if pattern.ignore_case else []), pattern.text]
            return run_timed(["grep", *options, path], stdout=counted)

    timed = alternately(count, ours, base)
    return [
        Figure(f"search, {pattern.name}", timed.ratio, "x", 2.0, timed.said()),
        Figure(f"search, {pattern.name}, memory", statistics.median(grown) / 2**20, "MiB", 8.0),
    ]


def _newest(hub: Hub, pattern: _Pattern) -> list[str]:
    with hub.new_client() as client:
        reply = client.get_process_output(
            process="searched", grep=pattern.text, ignore_case=pattern.ignore_case, lines=1
        )
    return [line["text"] for line in reply["lines"]]
