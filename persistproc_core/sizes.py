"""Sizes as people write them, in the configuration and on the command line: 65536, "64 KiB", "2GB"."""

from __future__ import annotations

import re

__all__ = ["MAX_SIZE", "parse_size", "size_text"]

MAX_SIZE = 2**50
"""1 PiB."""

_SIZE = re.compile(r"([0-9]{1,16}(?:\.[0-9]{1,6})?) ?(?:([KMGTP]?)(I?)B?)", re.ASCII | re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes: KiB to PiB and K to P are powers of 1024 (IEC 80000-13), KB to PB of 1000.

    Upper and lower case are the same. Raises `ValueError`.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match or (match[3] and not match[2]):
        raise ValueError(f"{text[:40]!r} is not a size")
    decimal = text.strip()[-1:] in "bB" and not match[3]
    unit: int = (1000 if decimal else 1024) ** " KMGTP".index(match[2].upper() or " ")
    return round(float(match[1]) * unit) if "." in match[1] else int(match[1]) * unit


def size_text(size: int) -> str:
    """``64 MiB``: in the largest unit that leaves a whole number."""
    for power, unit in ((5, "PiB"), (4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size and size % 1024**power == 0:
            return f"{size // 1024**power} {unit}"
    return f"{size} bytes"
