"""Names of processes: what is allowed. What a command is called when nobody names it: `default_names`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

from ...errors import InvalidParams
from ...process_names import MAX_NAME, MAX_NAME_BYTES, is_allowed, only_digits, problem_of_name

__all__ = ["MAX_NAME", "check_name", "free_name", "made_valid"]


def check_name(name: str) -> str:
    """The name, in Unicode's composed form (NFC).

    1 to 64 letters and digits of any script and ``. _ : @ + -``; neither ``-`` nor ``.`` first, and not digits only.
    Raises `InvalidParams` with the rule that is broken.
    """
    problem = problem_of_name(name)
    if problem:
        raise InvalidParams(
            f"{name[:80]!r} cannot be a process name: {problem}",
            hint="use letters, digits and . _ : @ + -, at most 64 characters: web, api-2, worker.high",
        )
    return unicodedata.normalize("NFC", name)


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
    text = "".join(char if is_allowed(char) else "-" for char in text)
    text = re.sub(r"--+", "-", text).lstrip("-.").rstrip("-.")
    text = _shortened(text).rstrip("-.")
    if not text or unicodedata.category(text[0]).startswith("M"):
        return "process"
    return f"process-{text}"[:MAX_NAME] if only_digits(text) else text
