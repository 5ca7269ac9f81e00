"""Full disks, no descriptors, deleted files, power cuts (suite ``faults``): the tests about them, in large numbers."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.crash.figures import Figures
from tests.crash.stage import Order

__all__ = ["FILES", "PROMISES", "run_faults"]

PROMISES = ("failed", "errors", "skipped")

FILES = (
    "crash/test_power_loss.py",
    "daemon/test_adoption_by_marker.py",
    "daemon/test_descriptors.py",
    "daemon/test_edges*.py",
    "daemon/test_full_disk.py",
    "keeper/test_full_disk.py",
    "regressions/test_descriptor_limit.py",
    "regressions/test_keeper_socket_deleted.py",
    "regressions/test_killed_while_deleting.py",
    "regressions/test_set_aside_records.py",
)
"""Which tests, below ``tests``."""

_TESTS = Path(__file__).resolve().parent.parent


def run_faults(order: Order) -> Figures:
    """All of them ``size`` times."""
    figures = Figures("faults", PROMISES)
    for _ in range(order.size):
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.xml")
            _run(report)
            _read(report, figures)
    return figures.finish()


def _run(report: Path) -> None:
    files = sorted(str(path) for pattern in FILES for path in _TESTS.glob(pattern))
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *files]
    environment = {**os.environ, "TESTS_FULL": "1", "PYTHONWARNDEFAULTENCODING": "1"}
    done = subprocess.run(command, cwd=_TESTS.parent, env=environment, stdout=subprocess.PIPE, encoding="utf-8")
    if done.returncode:
        sys.stderr.write(done.stdout)


def _read(report: Path, figures: Figures) -> None:
    if not report.exists():
        figures.find("errors", "the tests did not run")
        return
    for case in ET.parse(report).iter("testcase"):
        figures.n += 1
        for what, tag in (("failed", "failure"), ("errors", "error"), ("skipped", "skipped")):
            for _ in case.iter(tag):
                figures.find(what, f"{case.get('classname')}.{case.get('name')}")
