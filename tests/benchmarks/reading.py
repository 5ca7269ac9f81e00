"""Reading a little of a huge log: its last lines, and what was printed since a time."""

from __future__ import annotations

import os
import shlex
import struct
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from persistproc_core.protocol import GetProcessOutputParams
from tests.benchmarks import facts
from tests.benchmarks.figures import Figure, Scale, alternately, spread, stopwatch
from tests.benchmarks.hub import Hub, run_timed

__all__ = ["reading"]

_SEGMENT = 4 * 1024 * 1024
_LINE = b"2026-01-01T12:00:00Z INFO  GET /api/items/%07d 200 in 12 ms\n"
_NAME = "huge"
_MARK_EVERY_NS = 100_000_000
_MIB = 1024 * 1024


def reading(hub: Hub, scale: Scale) -> list[Figure]:
    """100 lines of a log of 5 GB over the socket, by number and by time, against ``cat LOG | tail -n 100``"""
    directory, size = _huge_log(hub, scale.log_bytes)
    tail: GetProcessOutputParams = {"process": _NAME, "lines": 100}
    since: GetProcessOutputParams = {"process": _NAME, "since": "1m", "head": 100}
    moment = datetime.fromtimestamp(time.time() - 600, timezone.utc).isoformat()
    by_time: GetProcessOutputParams = {"process": _NAME, "since": moment, "lines": 100}
    whole = f"cat {shlex.quote(directory)}/stdout-* | tail -n 100"

    def ask(params: GetProcessOutputParams) -> Callable[[], float]:
        def asked() -> float:
            with stopwatch() as watch:
                reply = hub.client.get_process_output(**params)
            assert len(reply["lines"]) == 100
            return watch.seconds

        return asked

    for params in (tail, since, by_time):
        ask(params)()
    before = facts.memory(hub.daemon.pid).resident
    times = {name: [ask(params)() for _ in range(scale.pairs * 3)] for name, params in _named(tail, since, by_time)}
    grown = (facts.memory(hub.daemon.pid).resident - before) / _MIB
    pairs = alternately(max(scale.pairs // 5, 1), ask(tail), lambda: run_timed(["sh", "-c", whole + " >/dev/null"]))
    hub.client.remove_process(process=_NAME)
    gigabytes = f"{size / 1e9:.3g} GB"
    return [
        *(figure for name, each in times.items() for figure in spread(f"{name} of {gigabytes}", each, (10.0, 20.0))),
        Figure("memory of the daemon grown by reading", grown, "MiB", 1.0, f"{3 * scale.pairs} times each"),
        Figure("last 100 lines, against cat and tail", pairs.ratio, "x", 1.0, pairs.said()),
    ]


def _named(*params: GetProcessOutputParams) -> list[tuple[str, GetProcessOutputParams]]:
    names = ("last 100 lines", "first 100 lines since 1 minute", "last 100 lines since a time")
    return list(zip(names, params, strict=True))


def _huge_log(hub: Hub, size: int) -> tuple[str, int]:
    """The folder of an ended run that seems to have printed so much, until now, and how much exactly.

    All segments are one file under many names: nothing of it is a hole, and it takes no room.
    """
    hub.client.start_process(command=["true"], name=_NAME)
    hub.client.wait_for_process(process=_NAME, exit=True)
    directory = Path(hub.client.get_process_log_paths(process=_NAME)["directory"])
    data = b"".join(_LINE % number for number in range(_SEGMENT // len(_LINE % 0)))
    data += b"x" * (_SEGMENT - len(data) - 1) + b"\n"
    first = directory / f"stdout-{0:020d}.log"
    first.write_bytes(data)
    count = max(size // _SEGMENT, 1)
    for number in range(1, count):
        os.link(first, directory / f"stdout-{number * _SEGMENT:020d}.log")
    marks = 64 * count
    now = time.time_ns()
    (directory / "marks").write_bytes(
        b"".join(
            struct.pack(">QQQ", now - (marks - index) * _MARK_EVERY_NS, index * (_SEGMENT // 64), 0)
            for index in range(1, marks + 1)
        )
    )
    return str(directory), count * _SEGMENT
