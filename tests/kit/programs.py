"""The tiny real children of `tests/programs`, as argument lists."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["PROGRAMS", "numbered", "program"]

PROGRAMS = Path(__file__).resolve().parent.parent / "programs"


def program(name: str, *arguments: object) -> list[str]:
    """The argument list that runs a program of `tests/programs`.

    ``-I -S``: a child starts in some 10 ms, and neither the tester's site-packages nor PYTHON* variables change it.
    """
    path = PROGRAMS / f"{name}.py"
    assert path.is_file(), f"no such program: {path}"
    return [sys.executable, "-I", "-S", str(path), *map(str, arguments)]


def numbered(count: int, start: int = 0) -> bytes:
    """``count`` bytes, from offset ``start``, of what `write_bytes` prints: each 16 bytes tell their offset."""
    first = start // 16
    lines = (start + count) // 16 - first + 1
    data = b"".join(b"%015d\n" % ((first + index) * 16) for index in range(lines))
    return data[start % 16 : start % 16 + count]
