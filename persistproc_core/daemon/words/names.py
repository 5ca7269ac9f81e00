"""Names of processes: what is allowed. What a command is called when nobody names it: `default_names`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

from ...errors import InvalidParams

__all__ = ["MAX_NAME", "check_name", "free_name", "made_valid"]

MAX_NAME = 64
"""Characters; and `MAX_NAME_BYTES` in UTF-8: a run's folder is named after it, and a file name ends at 255 bytes."""
MAX_NAME_BYTES = 200

_PUNCTUATION = frozenset("._:@+-")


def check_name(name: str) -> str:
    """The name, in Unicode's composed form (NFC).

    1 to 64 letters and digits of any script and ``. _ : @ + -``; neither ``-`` nor ``.`` first, and not digits only.
    Raises `InvalidParams` with the rule that is broken.
    """
    problem = _problem(name)
    if problem:
        raise InvalidParams(
            f"{name[:80]!r} cannot be a process name: {problem}",
            hint="use letters, digits and . _ : @ + -, at most 64 characters: web, api-2, worker.high",
        )
    return unicodedata.normalize("NFC", name)


def _problem(name: str) -> str:
    if not name:
        return "it is empty"
    if len(name) > MAX_NAME or len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        return f"it is longer than {MAX_NAME} characters or {MAX_NAME_BYTES} bytes"
    bad = next((char for char in name if not _is_allowed(char)), "")
    if bad:
        return f"it holds {bad!r}"
    if name[0] in "-.":
        return f"it starts with {name[0]!r}"
    if unicodedata.category(name[0]).startswith("M"):
        return "it starts with a combining character"
    if _only_digits(name):
        return "it is a number, which would be taken for a pid"
    return ""


def _is_allowed(char: str) -> bool:
    # Marks (M) are parts of letters: without them no word of Hindi or Thai could be a name.
    category = unicodedata.category(char)
    return char in _PUNCTUATION or category[0] in "LM" or category == "Nd"


def _only_digits(name: str) -> bool:
    return all(unicodedata.category(char) == "Nd" for char in name)


def free_name(wanted: str, taken: Container[str]) -> str:
    """``wanted``, else ``wanted-2``, ``wanted-3``, ...: the first that is not taken."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        suffix = f"-{number}"
        name = _shortened(wanted, len(suffix)) + suffix
    return name


def _shortened(name: str, reserve: int = 0) -> str:
    name = name[: MAX_NAME - reserve]
    while len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES - reserve:
        name = name[:-1]
    return name


def made_valid(text: str) -> str:
    """A valid name as near to the text as can be; ``process`` when nothing of it can be used."""
    text = unicodedata.normalize("NFC", text)
    text = "".join(char if _is_allowed(char) else "-" for char in text)
    text = re.sub(r"--+", "-", text).lstrip("-.").rstrip("-.")
    text = _shortened(text).rstrip("-.")
    if not text or unicodedata.category(text[0]).startswith("M"):
        return "process"
    return f"process-{text}"[:MAX_NAME] if _only_digits(text) else text
