"""``python -m tests.fuzz [TARGET ...] [--seed N] [--cases N] [--seconds N] [--case FILE]``: one line of figures each.

``name  cases  violations  seconds``, and what else was measured. What breaks a promise is saved and told on standard
error, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzz.runner import Budget, run
from tests.fuzz.target import CORPUS, corpus_line
from tests.fuzz.targets import TARGETS
from tests.kit.alone import end_unwinding, forget_hubs


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("names", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all without one")
    parser.add_argument("--seed", type=int, default=1, help="of the cases (default: 1)")
    parser.add_argument("--cases", type=int, help="how many of each target (default: as many as the target says)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="at most so long for each target")
    parser.add_argument("--case", type=Path, metavar="FILE", help="try this saved case alone, and raise what it raises")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {unknown[0]}; there are {', '.join(TARGETS)}")
    if given.case and len(given.names) != 1:
        parser.error("--case needs the one target that it is for")
    return given


def main() -> int:
    """Run it."""
    given = _arguments()
    end_unwinding()
    forget_hubs()
    if given.case:
        case = given.case.read_bytes()
        print(f"as a line of {CORPUS.name}/{given.names[0]}.txt:\n{corpus_line(case)}")
        with TARGETS[given.names[0]]() as target:
            target.repeat(case)
            print(*target.facts())
        return 0
    failed = False
    for name in given.names or TARGETS:
        target = TARGETS[name]()
        figures = run(target, given.seed, Budget(given.cases or target.cases, given.seconds))
        print(figures, flush=True)
        print(*figures.findings, sep="\n", end="\n" if figures.findings else "", file=sys.stderr, flush=True)
        failed |= bool(figures.findings)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
