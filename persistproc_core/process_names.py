"""What a process may be called: the rule, for the daemon and for projects' files."""

from __future__ import annotations

import unicodedata

__all__ = ["MAX_NAME", "MAX_NAME_BYTES", "is_allowed", "only_digits", "problem_of_name"]

MAX_NAME = 64
"""Characters; and `MAX_NAME_BYTES` in UTF-8: a run's folder is named after it, and a file name ends at 255 bytes."""
MAX_NAME_BYTES = 200

_PUNCTUATION = frozenset("._:@+-")


def problem_of_name(name: str) -> str:
    """The rule that a name breaks, in words; empty when it breaks none.

    1 to 64 letters and digits of any script and ``. _ : @ + -``; neither ``-`` nor ``.`` first, and not digits only.
    """
    if not name:
        return "it is empty"
    if len(name) > MAX_NAME or len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        return f"it is longer than {MAX_NAME} characters or {MAX_NAME_BYTES} bytes"
    bad = next((char for char in name if not is_allowed(char)), "")
    if bad:
        return f"it holds {bad!r}"
    if name[0] in "-.":
        return f"it starts with {name[0]!r}"
    if unicodedata.category(name[0]).startswith("M"):
        return "it starts with a combining character"
    if only_digits(name):
        return "it is a number, which would be taken for a pid"
    return ""


def is_allowed(char: str) -> bool:
    """True for a character that may stand in a name."""
    # Marks (M) are parts of letters: without them no word of Hindi or Thai could be a name.
    category = unicodedata.category(char)
    return char in _PUNCTUATION or category[0] in "LM" or category == "Nd"


def only_digits(name: str) -> bool:
    """True for a number, in the digits of any script."""
    return all(unicodedata.category(char) == "Nd" for char in name)
