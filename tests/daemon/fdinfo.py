"""What Linux tells of the descriptors of a process."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["count_lines"]


def count_lines(pid: int, beginning: str) -> int:
    """How many lines of it begin so (proc_pid_fdinfo(5)); 0 where nobody tells."""
    found = 0
    for path in Path(f"/proc/{pid}/fdinfo").glob("*"):
        with suppress(FileNotFoundError):
            found += sum(line.startswith(beginning) for line in path.read_text("ascii").splitlines())
    return found
