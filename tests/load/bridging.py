"""The bridge under load: how long a tool call takes, and that nothing of calls and of lost clients stays."""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tests.benchmarks.figures import stopwatch
from tests.benchmarks.hub import Hub
from tests.kit import Guard
from tests.kit.bridge import Bridge
from tests.kit.guard import TEST_VARIABLE
from tests.kit.raw_http import LEGACY, MODERN, connect, response, tool_call
from tests.load.campaign import Campaign
from tests.load.rows import Row, Size, times

__all__ = ["bridge"]

_MOST_KIB = 0.1
"""What a call may add after the warm-up: less than the smallest thing that could be kept of it."""
_FEW_MOST_KIB = 6.0
"""So few calls are all warm-up: only what keeps a whole request is seen in the memory."""


def bridge(hub: Hub, size: Size) -> list[Row]:
    """tool calls over HTTP; then 20,000 of four kinds of clients, and 2,000 clients that vanish in the middle"""
    guard = Guard()
    directory = Path(tempfile.mkdtemp(prefix="pp-load-"))
    serving = Bridge(guard, guard.new_home(), {TEST_VARIABLE: guard.token})
    try:
        serving.start()
        rows = _calls(serving, directory, size.requests // 2)
        campaign = Campaign(
            serving, directory, most_kib=_MOST_KIB if size.until_idle else _FEW_MOST_KIB, until_idle=size.until_idle
        )
        figures = campaign.run(size.calls, size.clients)
        serving.tear_down()
    finally:
        guard.clean_up()
        shutil.rmtree(directory, ignore_errors=True)
    print(*figures.lines, sep="\n", file=sys.stderr)
    found = "; ".join(figures.findings) or f"{size.calls:,} calls, {size.clients:,} clients that vanish"
    return [*rows, Row("bridge, what stays of calls and lost clients", len(figures.findings), "", 0, found)]


def _calls(serving: Bridge, directory: Path, count: int) -> list[Row]:
    rows = []
    with serving.client(directory) as client:
        client.start_process(command=["sleep", "100000"], name="web")
    for version in (MODERN, LEGACY):
        request = tool_call(serving.port, "list_processes", {"working_directory": str(directory)}, version)
        seconds = []
        with closing(connect(serving.port)) as connection:
            for _ in range(max(count, 2)):
                with stopwatch() as watch:
                    connection.sendall(request)
                    answer = response(connection)
                assert b"running" in answer, answer
                seconds.append(watch.seconds)
        rows += times(f"bridge, tools/call ({version})", seconds[1:], 10, 40)
    with serving.client(directory) as client:
        client.stop_process(process="web")
        client.remove_process(process="web")
    return rows
