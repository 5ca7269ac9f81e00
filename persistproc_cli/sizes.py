"""Sizes as people write them."""

from __future__ import annotations

from .arguments import Arguments, UsageError

__all__ = ["size_in"]

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_MOST = 1 << 50


def size_in(arguments: Arguments, name: str) -> int | None:
    """The value of an option in bytes: ``65536``, ``500K``, ``64M``, ``64MiB``, ``2G``; raises `UsageError`.

    A unit is a power of 1024, with or without ``B`` or ``iB``.
    """
    text = arguments.text(name)
    if text is None:
        return None
    lowered = text.strip().lower()
    bare = lowered.removesuffix("b").removesuffix("i") if not lowered[-2:-1].isdigit() else lowered.removesuffix("b")
    number, unit = bare.rstrip("kmgt"), bare[len(bare.rstrip("kmgt")) :]
    if not (number.isascii() and number.isdigit() and len(number) < 16) or unit not in _UNITS:
        raise UsageError(f"{name} needs a size, not {text!r}", hint="for example 500K, 64M or 2G")
    size = int(number) * _UNITS[unit]
    if not 1 <= size <= _MOST:
        raise UsageError(f"{name} needs a size between 1 byte and 1024T, not {text!r}")
    return size
