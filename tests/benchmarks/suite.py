"""All benchmarks by name, and the sizes in which they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.benchmarks import (
    beginning,
    bridging,
    commands,
    following,
    order,
    output,
    reading,
    resting,
    retention,
    searching,
    starting,
    tokens,
    waiting,
)
from tests.benchmarks.figures import Figure, Scale
from tests.benchmarks.hub import Hub

__all__ = ["BENCHMARKS", "FULL", "QUICK", "SMOKE"]

BENCHMARKS: Final[dict[str, Callable[[Hub, Scale], list[Figure]]]] = {
    "list": commands.list_command,
    "logs": commands.logs_command,
    "ping": commands.ping,
    "bulk": output.bulk,
    "lines": output.lines,
    "retention": retention.retention,
    "order": order.order,
    "reading": reading.reading,
    "search": searching.search,
    "latency": following.latency,
    "flood": following.flood,
    "crowd": following.crowd,
    "wakeups": following.wakeups,
    "start": starting.start,
    "starts": starting.starts,
    "stop": starting.stop,
    "waiting": waiting.waiting,
    "memory": resting.memory,
    "idle": resting.idle,
    "cold": beginning.cold,
    "recovery": beginning.recovery,
    "bridge": bridging.bridging,
    "tokens": tokens.tokens,
}

FULL: Final = Scale()

QUICK: Final = Scale(
    pairs=5,
    requests=200,
    bulk_bytes=100_000_000,
    log_bytes=1_000_000_000,
    lines=100_000,
    alternations=2000,
    starts=50,
    burst=30,
    crowd=100,
    followed_lines=500,
    followed_seconds=4.0,
    idle_seconds=5.0,
    flood_seconds=5.0,
)

SMOKE: Final = Scale(
    pairs=1,
    requests=3,
    processes=2,
    bulk_bytes=200_000,
    log_bytes=40_000_000,
    lines=100,
    alternations=4,
    starts=2,
    burst=2,
    crowd=2,
    followed_lines=5,
    followed_seconds=0.05,
    idle_seconds=0.01,
    flood_seconds=0.3,
    kept_bytes=1024 * 1024,
    settle=False,
)
"""So small that its figures mean nothing: it shows that the programs still work."""
