"""All benchmarks by name, and the sizes in which they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.benchmarks import beginning, commands, output, resting, starting
from tests.benchmarks.figures import Figure, Scale
from tests.benchmarks.hub import Hub

__all__ = ["BENCHMARKS", "FULL", "QUICK", "SMOKE"]

BENCHMARKS: Final[dict[str, Callable[[Hub, Scale], list[Figure]]]] = {
    "list": commands.list_command,
    "ping": commands.ping,
    "bulk": output.bulk,
    "lines": output.lines,
    "start": starting.start,
    "starts": starting.starts,
    "stop": starting.stop,
    "memory": resting.memory,
    "idle": resting.idle,
    "cold": beginning.cold,
    "recovery": beginning.recovery,
}

FULL: Final = Scale()

QUICK: Final = Scale(
    pairs=5,
    requests=200,
    bulk_bytes=100_000_000,
    lines=100_000,
    starts=50,
    burst=30,
    crowd=100,
    idle_seconds=5.0,
)

SMOKE: Final = Scale(
    pairs=1,
    requests=3,
    processes=2,
    bulk_bytes=200_000,
    lines=100,
    starts=2,
    burst=2,
    crowd=2,
    idle_seconds=0.01,
    settle=False,
)
"""So small that its figures mean nothing: it shows that the programs still work."""
