"""Suite ``reuse``: in a pid namespace where one can be had, else with forged records."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.crash.figures import Figures
from tests.crash.reuse.inside import PROMISES
from tests.crash.reuse.namespace import command_in_namespace
from tests.crash.stage import Order

__all__ = ["run_reuse"]

_TREE = Path(__file__).resolve().parent.parent.parent.parent


def run_reuse(order: Order, *, way: str | None = None) -> Figures:
    """``size`` reuses; ``way``: ``kernel`` or ``forged`` rather than what this machine allows."""
    before = None if way == "forged" else command_in_namespace()
    way = "kernel" if before else "forged"
    figures = Figures(f"reuse-{way}", PROMISES)
    command = [sys.executable, "-m", "tests.crash.reuse.inside", str(order.seed), str(order.size), way]
    done = subprocess.run([*(before or []), *command], cwd=_TREE, stdout=subprocess.PIPE, encoding="utf-8", timeout=900)
    if done.returncode:
        figures.find("errors", f"{' '.join(command)}: exit status {done.returncode}")
    else:
        found = json.loads(done.stdout)
        figures.n, figures.broken, figures.findings = found["n"], found["broken"], found["findings"]
    return figures.finish()
