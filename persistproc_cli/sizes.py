"""Sizes as people write them."""

from __future__ import annotations

from .arguments import Arguments, UsageError

__all__ = ["size_in"]


def size_in(arguments: Arguments, name: str) -> int | None:
    """The value of an option in bytes, as `persistproc_core.sizes.parse_size` reads it; raises `UsageError`."""
    text = arguments.text(name)
    if text is None:
        return None
    # Not before it is needed: it loads regular expressions.
    from persistproc_core.sizes import MAX_SIZE, parse_size, size_text

    try:
        size = parse_size(text)
    except ValueError:
        raise UsageError(f"{name} needs a size, not {text!r}", hint="for example 500K, 64M or 2G") from None
    if not 1 <= size <= MAX_SIZE:
        raise UsageError(f"{name} needs a size between 1 byte and {size_text(MAX_SIZE)}, not {text!r}")
    return size
