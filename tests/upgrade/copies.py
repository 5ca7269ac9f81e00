"""Copies of the package that differ: of another version, of another protocol, or broken."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import persistproc_core

__all__ = ["Copy"]

_PACKAGES = ("persistproc_core", "persistproc_cli")
_TREE = Path(persistproc_core.__file__).resolve().parent.parent


class Copy:
    """The packages of core and command line in a folder of their own."""

    def __init__(
        self, folder: Path, version: str, *, protocol: int = 0, oldest_protocol: int = 0, oldest_daemon: int = 0
    ) -> None:
        """0: as it is here."""
        self.path = folder / f"persistproc-{version}"
        for package in _PACKAGES:
            # With what is compiled already: only the changed files are compiled again.
            shutil.copytree(_TREE / package, self.path / package)
        self.put("persistproc_core/__init__.py", r'__version__ = ".*"', f'__version__ = "{version}"')
        if protocol:
            self.put("persistproc_core/protocol/limits.py", r"(?m)^PROTOCOL_VERSION: Final = \d+", _set(protocol))
            self.put("persistproc_core/client/wire.py", r"(?m)^PROTOCOL = \d+", f"PROTOCOL = {protocol}")
        if oldest_protocol:
            self.put(
                "persistproc_core/protocol/limits.py", r"(?m)^OLDEST_PROTOCOL: Final = \d+", _oldest(oldest_protocol)
            )
        if oldest_daemon:
            self.put("persistproc_core/client/wire.py", r"(?m)^OLDEST_DAEMON = \d+", f"OLDEST_DAEMON = {oldest_daemon}")

    def put(self, file: str, pattern: str, text: str) -> None:
        """Replace what matches, which must be there."""
        path = self.path / file
        changed, count = re.subn(pattern, lambda _: text, path.read_text(encoding="utf-8"))
        assert count, (file, pattern)
        path.write_text(changed, encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        """In which the copy is found first, also where the package is installed."""
        return {**os.environ, "PYTHONPATH": str(self.path), "PYTHONSAFEPATH": "1"}

    @property
    def program(self) -> list[str]:
        """The daemon's."""
        return [sys.executable, "-m", "persistproc_core.daemon"]

    @property
    def cli(self) -> list[str]:
        """The command line's."""
        return [sys.executable, "-m", "persistproc_cli"]


def _set(protocol: int) -> str:
    return f"PROTOCOL_VERSION: Final = {protocol}"


def _oldest(protocol: int) -> str:
    return f"OLDEST_PROTOCOL: Final = {protocol}"
