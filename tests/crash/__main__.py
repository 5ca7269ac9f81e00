"""``python -m tests.crash [NAME ...] [--seed S] [--points N] [--short]``: a line of figures for each suite.

``name  n  what is counted and how often it was wrong ...  failures  seconds``; the exit code is 1 when anything was
wrong.
"""

from __future__ import annotations

import argparse
import os
import sys

from tests.crash.stage import Order
from tests.crash.suites import SUITES, Suite
from tests.kit.alone import end_unwinding


def main() -> int:
    """Run the suites."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description="What holds when things die.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(SUITES)} (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="of what is random (default: 1)")
    parser.add_argument("--points", "--rounds", type=int, dest="size", help="how many, instead of each suite's own")
    parser.add_argument("--short", action="store_true", help="as few as in make test")
    parser.add_argument("--jobs", type=int, help="homes at a time (default: one more than there are processors)")
    parser.add_argument("--keep", action="store_true", help="leave the homes in which something was found")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in SUITES]
    if unknown:
        parser.error(f"there is no suite {unknown[0]}; there are {', '.join(SUITES)}")
    end_unwinding()
    suites = [SUITES[name] for name in options.names or SUITES]
    if not options.short and options.size is None:
        minutes = sum(suite.seconds for suite in suites) / 60
        print(f"seed {options.seed}; about {minutes:.0f} minutes on two cores", flush=True)
    return max([_run(suite, options) for suite in suites], default=0)


def _run(suite: Suite, options: argparse.Namespace) -> int:
    size = options.size if options.size is not None else suite.short if options.short else suite.full
    jobs = options.jobs or (os.cpu_count() or 1) + 1
    status = 0
    for part in suite.parts:
        figures = part(Order(options.seed, size, options.short, jobs, options.keep))
        print(figures, flush=True)
        if not figures.clean:
            status = 1
            words = f"--{'rounds' if suite.unit == 'rounds' else 'points'} {size}"
            print(f"again: python -m tests.crash {suite.name} --seed {options.seed} {words}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
