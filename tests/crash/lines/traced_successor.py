"""The daemon that takes over from a traced one: ``python -m tests.crash.lines.traced_successor ARGUMENT...``."""

from __future__ import annotations

import sys

# Before it is traced: importing takes ten times as long then, and does nothing that a death could leave half done.
import trio  # noqa: F401

from persistproc_core.daemon import program  # noqa: F401
from persistproc_core.daemon.__main__ import main
from tests.crash.lines.traced_daemon import prepare

if __name__ == "__main__":
    prepare("successor")
    sys.exit(main())
