"""``python -m tests.upgrade [--replacements N] [--children N] [--seed N]``: the daemon is replaced under load.

One line of figures; the exit code is 1 when anything was lost.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.kit import Daemon, Guard
from tests.kit.alone import end_unwinding, forget_hubs
from tests.kit.daemon import environment
from tests.kit.guard import TEST_VARIABLE
from tests.upgrade.campaign import Campaign


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.upgrade", description="Replace the daemon under load.")
    parser.add_argument("--replacements", type=int, default=50, help="how many (default: 50)")
    parser.add_argument("--children", type=int, default=50, help="that write all the while (default: 50)")
    parser.add_argument("--seed", type=int, default=1, help="of the pauses and exit codes (default: 1)")
    options = parser.parse_args()
    end_unwinding()
    forget_hubs()
    guard = Guard()
    os.environ[TEST_VARIABLE] = guard.token
    daemon = Daemon(guard, guard.new_home())
    os.environ.update(environment(daemon.home))
    try:
        daemon.start()
        with tempfile.TemporaryDirectory(prefix="pp-upgrade-") as directory:
            figures = Campaign(daemon.home, Path(directory), options.seed).run(options.replacements, options.children)
        with daemon.connect() as connection:
            daemon.pid = connection.hello["pid"]
        daemon.shut_down()
    finally:
        guard.clean_up()
    print(figures.line())
    return 0 if figures.good else 1


if __name__ == "__main__":
    sys.exit(main())
