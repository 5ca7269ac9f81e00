"""``python -m tests.load [NAME ...] [--quick] [--markdown]``: what persistproc does under load, against its aims.

The exit code is 1 when something of a call or of a client stays, or a call was answered wrongly; an aim that is missed
is marked and read by people. ``python -m tests.load.soak`` is the long run.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile

from tests.benchmarks.hub import hub
from tests.benchmarks.report import machine
from tests.kit.alone import end_unwinding, forget_hubs
from tests.load.rows import FULL, HEAD, QUICK, Row, Size, as_markdown, as_text
from tests.load.suite import LOADS


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(LOADS)}; all without one")
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it works, not how fast it is")
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/reliability.md")
    parser.add_argument("--calls", type=int, help="bridge: tool calls (default: 20000)")
    parser.add_argument("--clients", type=int, help="bridge: clients that vanish (default: 2000)")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in LOADS]
    if unknown:
        parser.error(f"there is no load {unknown[0]}; there are {', '.join(LOADS)}")
    return given


def _run(names: list[str], size: Size, *, markdown: bool) -> list[Row]:
    print(machine(tempfile.gettempdir()), end="\n\n")
    if markdown:
        print(HEAD, flush=True)
    rows = []
    for name in names:
        if not markdown:
            print(f"{name}: {LOADS[name].__doc__}", flush=True)
        # Each has a hub of its own: what one leaves in memory or on disk is not in the figures of the next.
        with hub() as fresh:
            found = LOADS[name](fresh, size)
        rows += found
        for row in found:
            print(as_markdown(row) if markdown else as_text(row), flush=True)
    return rows


def main() -> int:
    """Run it."""
    given = _arguments()
    end_unwinding()
    forget_hubs()
    # Without compiled files every start would be that of a compiler.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    size = QUICK if given.quick else FULL
    size = size._replace(calls=given.calls or size.calls, clients=given.clients or size.clients)
    rows = _run(given.names or list(LOADS), size, markdown=given.markdown)
    missed = [row.what for row in rows if not row.met]
    if missed:
        print(f"\n{len(missed)} of {len(rows)} aims are not met: {', '.join(missed)}", file=sys.stderr)
    return 1 if any("what stays" in what for what in missed) else 0


if __name__ == "__main__":
    sys.exit(main())
