"""Records that cannot be read any more, under both of their names."""

from __future__ import annotations

from pathlib import Path

__all__ = ["lose_record", "spoil_record"]

_NAMES = ("record.json", "record.synced.json")


def spoil_record(folder: Path, content: bytes) -> None:
    """Put something else in its place."""
    for name in _NAMES:
        (folder / name).write_bytes(content)


def lose_record(folder: Path) -> None:
    """Delete it."""
    for name in _NAMES:
        (folder / name).unlink(missing_ok=True)  # only what was synced has both
