"""All of the table by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.benchmarks.hub import Hub
from tests.load import asking, bridging, lasting, logs
from tests.load.rows import Row, Size

__all__ = ["LOADS"]

LOADS: Final[dict[str, Callable[[Hub, Size], list[Row]]]] = {
    "list": asking.listing,
    "mixed": asking.mixed,
    "start": lasting.starts,
    "burst": lasting.burst,
    "ingest": logs.ingest,
    "followers": logs.followers,
    "line": logs.long_line,
    "connections": asking.connections,
    "idle": lasting.idle,
    "cold": lasting.cold,
    "command": lasting.command,
    "bridge": bridging.bridge,
    "recovery": lasting.recovery,
}
"""In the order of the table."""
