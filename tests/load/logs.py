"""Output: how fast it is taken, twenty who follow it, and a line that has no end."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

from tests.benchmarks import following, output
from tests.benchmarks.figures import Scale
from tests.benchmarks.hub import Hub
from tests.load.rows import Row, Size

__all__ = ["followers", "ingest", "long_line"]

_FLOOD = str(Path(__file__).with_name("flood.py"))


def ingest(hub: Hub, size: Size) -> list[Row]:
    """a child writes 1 GB as fast as it can, against the same child with its output in a file"""
    ratio, _, daemon = output.bulk(hub, Scale(pairs=size.pairs * 3, bulk_bytes=size.bulk_bytes))
    return [
        Row("log ingest, against a bare redirect", ratio.value, "x", 1.05, ratio.detail),
        Row("log ingest, processor time of the daemon", daemon.value, "s", 0.1, f"{size.bulk_bytes / 1e9:g} GB"),
    ]


def followers(hub: Hub, size: Size) -> list[Row]:
    """20 clients follow one log of 10 MB/s"""
    before = _resident(hub.daemon.pid)
    lost, _, lag, *_ = following.crowd(hub, Scale(followed_seconds=size.followed_seconds))
    grown = (_highest(hub.daemon.pid) - before) / 2**20
    return [
        Row("20 followers of 10 MB/s, bytes lost", lost.value, "bytes", 0, lost.detail),
        Row("20 followers of 10 MB/s, lag, p99", lag.value, "ms", 250),
        Row("20 followers of 10 MB/s, memory of the daemon", grown, "MiB", 8, "at its highest"),
    ]


def long_line(hub: Hub, size: Size) -> list[Row]:
    """a line of 1 GiB without an end, which one client follows and another one reads"""
    parts = hub.parts()
    before = {who: _resident(pid) for who, pid in parts.items()}
    command = [sys.executable, "-I", "-S", _FLOOD, str(size.line_bytes)]
    hub.client.start_process(command=command, name="endless")
    with hub.new_client() as follower, follower.follow_process_output(processes=["endless"]) as subscription:
        hub.client.send_process_input(process="endless", input="")
        for told in subscription:
            if told.event is not None and told.event["type"] in ("exited", "failed"):
                break
    hub.client.get_process_output(process="endless", lines=3)
    (stdout,) = [
        log for log in hub.client.get_process_log_paths(process="endless")["streams"] if log["stream"] == "stdout"
    ]
    assert stdout["bytes"] == size.line_bytes, stdout
    grown = {who: (_highest(pid) - before[who]) / 2**20 for who, pid in parts.items()}
    hub.remove(["endless"])
    what = f"a line of {size.line_bytes >> 20:,} MiB"
    return [Row(f"{what}, memory of the {who}", mib, "MiB", 8, "at its highest") for who, mib in grown.items()]


def _resident(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)


def _highest(pid: int) -> int:
    """The most that it ever had (proc(5), VmHWM); elsewhere what it has now."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return _resident(pid)
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
