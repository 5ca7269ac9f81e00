"""What is seen of a process that somebody else started."""

from __future__ import annotations

import subprocess
from pathlib import Path

from persistproc_core.daemon.adopting.found import examine


def test_one_that_has_only_just_been_started(tmp_path: Path) -> None:
    # Popen comes back in the middle of its child's execve(2): one in twenty has no command line yet.
    for _ in range(150):
        with subprocess.Popen(["sleep", "1000"], cwd=tmp_path) as started:
            try:
                found = examine(started.pid)
            finally:
                started.kill()
        assert (found.argv, found.directory) == (["sleep", "1000"], str(tmp_path))
        assert found.environment is not None
