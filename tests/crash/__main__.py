"""``python -m tests.crash [--points N] [--seed S] [--what KIND] [--keep]``: one line of figures a kind.

The exit code is 1 when any figure but n is not 0.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys

from tests.crash.campaign import KINDS, Campaign, Figures
from tests.kit import Guard
from tests.kit.daemon import environment
from tests.kit.guard import TEST_VARIABLE


def main() -> int:
    """Run the campaigns."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description="kill -9 at random points.")
    parser.add_argument("--points", type=int, default=200, help="for each kind (default: 200)")
    parser.add_argument("--seed", type=int, default=1, help="of the random points (default: 1)")
    parser.add_argument("--what", choices=[*KINDS, "all"], default="all", help="what is killed (default: all)")
    parser.add_argument("--keep", action="store_true", help="leave the home of a campaign that found something")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an unwinding end, so that nothing is left behind
    if options.what == "all":
        print(Figures.HEADER, flush=True)
        return _all_at_once(options)
    return 0 if _campaign(options.what, options.points, options.seed, keep=options.keep).clean else 1


def _all_at_once(options: argparse.Namespace) -> int:
    # Most of a point is the start of a daemon, which is one core's work.
    base = [sys.executable, "-m", "tests.crash", "--points", str(options.points), "--seed", str(options.seed)]
    if options.keep:
        base.append("--keep")
    children = [subprocess.Popen([*base, "--what", kind]) for kind in KINDS]
    try:
        return max(child.wait() for child in children)
    finally:
        for child in children:
            child.terminate()
            child.wait()


def _campaign(kind: str, points: int, seed: int, *, keep: bool) -> Figures:
    guard = Guard()
    home = guard.new_home()
    os.environ.update(environment(home, **{TEST_VARIABLE: guard.token}))
    campaign = Campaign(home, kind, seed)
    try:
        campaign.run(points)
    finally:
        print(campaign.figures, flush=True)  # also of a campaign that was cut short
        if keep and not campaign.figures.clean:
            sys.stderr.write(f"kept: {home.path}\n")
            guard.kill()
        else:
            guard.clean_up()
    return campaign.figures


if __name__ == "__main__":
    sys.exit(main())
