"""What processes need of each other: named, known, and without a circle."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import cast

from ..protocol import DependencyCondition
from ..validation import nearest
from .places import Path
from .source import Source

__all__ = ["check_needs", "cycle_in", "read_needs"]


def read_needs(value: object) -> dict[str, DependencyCondition]:
    """A list of names means that each must be ready."""
    if isinstance(value, list):
        return {unicodedata.normalize("NFC", str(name)): "ready" for name in value}
    needs = cast("dict[str, DependencyCondition]", value)
    return {unicodedata.normalize("NFC", name): condition for name, condition in needs.items()}


def check_needs(source: Source, needs: Mapping[str, Mapping[str, DependencyCondition]]) -> None:
    """Note what is not there, and the first circle."""
    for name, needed in needs.items():
        for index, other in enumerate(needed):
            place = _place(source, name, other, index)
            if other == name:
                source.wrong(("processes", name, "needs"), "names the process itself", at=place)
            elif other not in needs:
                hint = nearest(other, needs) or f"write [processes.{other}], or take it out"
                words = f"names {other[:60]}, and there is no such process"
                source.wrong(("processes", name, "needs"), words, hint, at=place)
    circle = cycle_in(needs)
    if len(circle) > 2:
        words = "goes round in a circle: " + " needs ".join(circle)
        source.wrong(("processes", circle[0], "needs"), words, "one of them must do without")


def _place(source: Source, name: str, other: str, index: int) -> Path:
    """Of an item of a list, or of a key of a table."""
    key: Path = ("processes", name, "needs", other)
    item: Path = ("processes", name, "needs", index)
    return key if source.has(key) else item


def cycle_in(needs: Mapping[str, Mapping[str, DependencyCondition]]) -> list[str]:
    """The names on a circle, the first one again at the end; empty when there is none."""
    finished: set[str] = set()
    for start in needs:
        if start in finished:
            continue
        trail = {start: None}  # with its order, and quick to look into
        pending = [(start, iter(needs[start]))]
        while pending:
            name, rest = pending[-1]
            following = next((other for other in rest if other in needs and other not in finished), None)
            if following is None:
                finished.add(name)
                pending.pop()
                del trail[name]
            elif following in trail:
                names = list(trail)
                return [*names[names.index(following) :], following]
            else:
                pending.append((following, iter(needs[following])))
                trail[following] = None
    return []
