"""What is said of changed files."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .folders import is_within

__all__ = ["changed_words", "shown_path"]

_LONGEST = 200


def changed_words(paths: Sequence[str], directory: str) -> str:
    """``src/app.py changed``, ``src/app.py and 2 more files changed``."""
    more = len(paths) - 1
    others = f" and {more} more file{'' if more == 1 else 's'}" if more else ""
    return f"{shown_path(paths[0], directory)}{others} changed"


def shown_path(path: str, directory: str) -> str:
    """From the directory of the process, where it is in that or in the folder above; a name that is no text escaped."""
    near = is_within(path, os.path.dirname(directory))
    shown = os.path.relpath(path, directory) if near else path
    text = shown.encode("utf-8", "backslashreplace").decode()
    text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return text if len(text) <= _LONGEST else f"...{text[-_LONGEST:]}"
