"""A writer at full speed under a limit: the disk that it takes, and what a follower gets, line by line or told gap."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from persistproc_core.client import Client
from persistproc_core.client.subscription import Subscription
from persistproc_core.protocol import FollowReply
from tests.benchmarks.figures import Figure, Scale
from tests.benchmarks.hub import Hub

__all__ = ["retention"]

_FLOODER = str(Path(__file__).with_name("flooder.py"))
_LINES = 512
"""In one write."""
_LINE = 128
_SAMPLE_SECONDS = 0.02
_BLOCK = 512  # st_blocks, stat(2)


class _Followed(NamedTuple):
    """What a follower got: whole lines, and what it was told to have missed."""

    size: int
    gaps: int
    missed: int
    last: str


def retention(hub: Hub, scale: Scale) -> list[Figure]:
    """a child prints lines of 128 bytes at full speed for 30 s under a limit of 64 MiB, and somebody follows it"""
    command = [sys.executable, "-I", "-S", _FLOODER, str(scale.flood_seconds)]
    # A follower of a process follows its next run as well; so it is there before the first byte.
    hub.client.start_process(command=["true"], name="flood")
    hub.client.wait_for_process(process="flood", exit=True)
    with ThreadPoolExecutor(1) as pool, hub.client.follow_process_output(processes=["flood"]) as news:
        started = hub.client.start_process(command=command, name="flood", keep_bytes=scale.kept_bytes)
        following = pool.submit(_follow, news, started["run"])
        most = _most_disk(hub.client, os.path.join(hub.daemon.home.runs, started["run_id"]))
        got = following.result(300)
    (newest,) = hub.client.get_process_output(process="flood", lines=1)["lines"]
    assert got.last == newest["text"], f"the follower ended with {got.last}, the log with {newest['text']}"
    total = int(newest["text"].removeprefix("all: ")) * _LINE + len(newest["text"]) + 1
    assert got.size + got.missed == total, f"of {total} bytes the follower got {got}"
    hub.client.remove_process(process="flood")
    rate = f"{total / scale.flood_seconds / 1e6:.0f} MB/s"
    return [
        Figure("retention, most disk against the limit", most / scale.kept_bytes, "x", 1.5, f"written at {rate}"),
        Figure("retention, share that the follower got", got.size / total, "", None, f"{got.gaps} gaps told"),
    ]


def _follow(news: Subscription[FollowReply], run: int) -> _Followed:
    size = gaps = missed = 0
    last = ""
    for item in news:
        if item.event is not None and item.event["run"] == run and item.event["type"] in ("exited", "failed"):
            break
        if item.output is None:
            continue
        told = item.output["missed_bytes"]
        gaps += told > 0
        missed += told
        for line in item.output["lines"]:
            text = line["text"]
            # Of one message with a gap only the sum is checked: the gap may also lie between its lines.
            assert told or not last or text.startswith(("all: ", _after(last))), f"{text} came after {last}"
            last = text
            size += len(text) + (not line.get("partial"))
    return _Followed(size, gaps, missed, last)


def _after(line: str) -> str:
    block, number = int(line[:8]), int(line[9:15])
    return f"{block + (number == _LINES - 1):08d}.{(number + 1) % _LINES:06d} "


def _most_disk(client: Client, directory: str) -> int:
    """The most that the run's folder took on the disk, until the run ended."""
    most = 0
    while client.get_process_status(process="flood")["state"] == "running":
        most = max(most, _disk(directory))
        time.sleep(_SAMPLE_SECONDS)
    return max(most, _disk(directory))


def _disk(directory: str) -> int:
    total = 0
    for entry in os.scandir(directory):
        with suppress(FileNotFoundError):
            total += entry.stat().st_blocks * _BLOCK
    return total
