"""``python -m tests.load [--calls N] [--clients N]``: what a bridge, its daemon and keeper hold under load.

The exit code is 1 when something of a call or of a client stays.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.kit import Guard
from tests.kit.bridge import Bridge
from tests.kit.guard import TEST_VARIABLE
from tests.load.campaign import Campaign

_MOST_KIB = 0.1
"""What a call may add after the warm-up: less than the smallest thing that could be kept of it."""


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description="Many calls, and clients that vanish.")
    parser.add_argument("--calls", type=int, default=20_000, help="tool calls (default: 20000)")
    parser.add_argument("--clients", type=int, default=2000, help="clients that vanish (default: 2000)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an unwinding end, so that nothing is left behind
    for variable in [name for name in os.environ if name.startswith("PERSISTPROC_")]:
        del os.environ[variable]
    guard = Guard()
    directory = Path(tempfile.mkdtemp(prefix="pp-load-"))
    bridge = Bridge(guard, guard.new_home(), {TEST_VARIABLE: guard.token})
    try:
        bridge.start()
        figures = Campaign(bridge, directory, most_kib=_MOST_KIB, until_idle=True).run(options.calls, options.clients)
        bridge.tear_down()
    finally:
        guard.clean_up()
        shutil.rmtree(directory, ignore_errors=True)
    print("\n".join(figures.lines))
    return 1 if figures.findings else 0


if __name__ == "__main__":
    sys.exit(main())
