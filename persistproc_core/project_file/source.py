"""A file that is being read: where its keys stand, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from ..validation import shown
from .places import Path, Places
from .problems import Problems

__all__ = ["Source"]


@dataclass(frozen=True)
class Source:
    """A file that is being read. Paths of keys are those inside its table."""

    file: str
    directory: str
    """Where it lies, which is the project's directory."""
    problems: Problems
    places: Places
    table: Path = ()
    """Where ours is in the document: ``tool.persistproc`` in pyproject.toml."""

    def line(self, path: Path) -> int | None:
        """Where a key stands, or what is around it."""
        return self.places.line((*self.table, *path))

    def has(self, path: Path) -> bool:
        """Whether the key itself stands somewhere."""
        return (*self.table, *path) in self.places

    def wrong(self, path: Path, text: str, hint: str = "", *, at: Path | None = None) -> None:
        """Note a problem: ``text`` goes on after the name of the key; ``at`` is where it stands, when elsewhere."""
        words = f"{_label(path)} {text}" if path else text
        self.problems.add(words, self.line(path if at is None else at), hint)


def _label(path: Path) -> str:
    """``processes.web.watch[1]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{shown(part)}" if text else shown(part)
    return text
