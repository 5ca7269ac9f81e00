"""Markdown pieces of the generated pages."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["slug", "table"]


def slug(title: str, separator: str = "-") -> str:
    """The anchor of a title by GitHub's rule, which the site follows too."""
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in "_- ")
    return kept.replace(" ", separator)


def table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table with an empty line after it; a bar in a cell is escaped."""
    lines = [columns, tuple("---" for _ in columns), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n\n"
