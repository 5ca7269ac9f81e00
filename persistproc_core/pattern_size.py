"""How long a regular expression is with its counts written out: counts within counts multiply."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["MOST", "TOO_LONG", "TOO_LONG_HINT", "is_too_long"]

MOST: Final = 100_000
"""The module regex (https://pypi.org/project/regex/) takes gigabytes, and the GIL, for ((a{1000}){1000}){1000}."""

TOO_LONG: Final = "repeats too much of it"
TOO_LONG_HINT: Final = f"counts within counts multiply: written out it may be {MOST} characters long"

_COUNT: Final = r"\{(?P<least>[\d\s]*)(?:,(?P<most>[\d\s]*))?\}"
_TOKEN: Final = re.compile(
    rf"(?P<count>{_COUNT})|(?P<nothing>\(\?#[^)]*\)?)|(?P<open>\()|(?P<close>\))"
    # The end of a set may be missing: to look for it from each bracket would take for ever.
    r"|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]?|.",
    re.DOTALL,
)
# Comments and sets within sets (regex, "Flags"): which parenthesis is one cannot be told so easily.
_OTHERWISE: Final = re.compile(r"\(\?[a-zA-Z01]*[xV]")


def is_too_long(pattern: str) -> bool:
    """Whether it is longer than `MOST` characters with all of its counts written out."""
    if _OTHERWISE.search(pattern):
        return _product(pattern) > MOST
    return _length(pattern) > MOST


def _length(pattern: str) -> int:
    outer: list[int] = []
    total = last = 0
    for token in _TOKEN.finditer(pattern):
        if token["count"]:
            total += last * (_times(token) - 1)
            last = 0
        elif token["open"]:
            outer.append(total)
            total = last = 0
        elif token["close"] and outer:
            last = total + 1
            total = outer.pop() + last
        elif not token["nothing"]:
            last = 1
            total += 1
    return total + sum(outer)


def _product(pattern: str) -> int:
    product = 1
    for count in re.finditer(_COUNT, pattern):
        product *= _times(count)
    return product


def _times(count: re.Match[str]) -> int:
    digits = "".join((count["most"] or count["least"] or "1").split())
    # Further digits make no difference, and int refuses thousands of them.
    return max(1, int(digits[:9] or "1"))
