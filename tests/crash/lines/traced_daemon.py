"""A daemon that can be killed at any line: what the warm interpreter calls before the daemon's own main."""

from __future__ import annotations

import os
from pathlib import Path

import persistproc_core
from persistproc_core.daemon import keeper
from persistproc_core.keeper import wire
from tests.crash.lines.control import Control
from tests.crash.lines.traced import CONTROL_VARIABLE
from tests.crash.lines.tracer import Tracer

__all__ = ["prepare"]


def prepare(role: str = "daemon") -> None:
    """Begin to trace; the keeper that this daemon starts is a traced one as well."""
    keeper._PROGRAM = str(Path(__file__).with_name("traced_keeper.py"))
    folder = os.path.dirname(os.path.abspath(persistproc_core.__file__))
    control = Control(os.environ[CONTROL_VARIABLE])
    if control.another_version:
        setattr(keeper, "VERSION", wire.VERSION + 1)  # noqa: B010  # so that the keeper is asked to become the program of this daemon
    Tracer(control, role, folder, always=False).begin_when_asked()
