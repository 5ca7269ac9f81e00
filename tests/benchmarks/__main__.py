"""``python -m tests.benchmarks [NAME ...] [--quick] [--markdown]``: run benchmarks and print their figures."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile

from tests.benchmarks.figures import Scale
from tests.benchmarks.hub import hub
from tests.benchmarks.report import as_row, as_text, machine, markdown_head
from tests.benchmarks.suite import BENCHMARKS, FULL, QUICK
from tests.kit.alone import forget_hubs


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all without one")
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it works, not how fast it is")
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/performance.md")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    return given


def _run(names: list[str], scale: Scale, *, markdown: bool) -> int:
    missed = 0
    print(machine(tempfile.gettempdir()), end="\n\n")
    if markdown:
        print(markdown_head(), flush=True)
    for name in names:
        if not markdown:
            print(f"{name}: {BENCHMARKS[name].__doc__}", flush=True)
        # Each has a hub of its own: what one leaves in memory or on disk is not in the figures of the next.
        with hub() as fresh:
            figures = BENCHMARKS[name](fresh, scale)
        missed += sum(figure.missed for figure in figures)
        for figure in figures:
            print(as_row(figure) if markdown else as_text(figure), flush=True)
    return missed


def main() -> None:
    """The entry point. The exit code is 0 whatever the figures are: they are read by people."""
    given = _arguments()
    # Nothing of the shell that runs this may lead a benchmark to the user's own hub; and without compiled files every
    # start would be that of a compiler.
    forget_hubs()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    missed = _run(given.names or list(BENCHMARKS), QUICK if given.quick else FULL, markdown=given.markdown)
    if missed:
        print(f"\n{missed} above the aim", file=sys.stderr)


if __name__ == "__main__":
    main()
