"""A daemon with a moved clock: what the warm interpreter calls before the daemon's own main."""

from __future__ import annotations

import os
from pathlib import Path

from persistproc_core.daemon import keeper
from tests.crash.clock.shift import VARIABLE, move_clock

__all__ = ["prepare"]


def prepare() -> None:
    """Move the clock; the keeper that this daemon starts has a moved one as well."""
    keeper._PROGRAM = str(Path(__file__).with_name("moved_keeper.py"))
    move_clock(os.environ[VARIABLE])
