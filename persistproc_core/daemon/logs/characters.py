"""Where a UTF-8 character begins and ends (RFC 3629, section 3)."""

from __future__ import annotations

__all__ = ["half_character", "missing_of_character", "skip_continuation"]


def half_character(data: bytes) -> int:
    """How many bytes at the end, 0 to 3, are the beginning of a character whose rest is not there."""
    return _tail(data)[0]


def missing_of_character(data: bytes) -> int:
    """How many bytes, 0 to 3, the last character still lacks."""
    return _tail(data)[1]


def skip_continuation(data: bytes) -> int:
    """How many bytes at the beginning, 0 to 3, are the rest of a character that began before."""
    count = 0
    while count < min(3, len(data)) and data[count] & 0xC0 == 0x80:
        count += 1
    return count


def _tail(data: bytes) -> tuple[int, int]:
    for count in range(1, min(3, len(data)) + 1):
        byte = data[-count]
        if byte & 0xC0 != 0x80:
            length = 2 if 0xC2 <= byte <= 0xDF else 3 if 0xE0 <= byte <= 0xEF else 4 if 0xF0 <= byte <= 0xF4 else 1
            return (count, length - count) if length > count else (0, 0)
    return 0, 0
