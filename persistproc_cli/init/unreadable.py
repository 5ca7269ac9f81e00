"""Files that would have told what to run, and cannot be read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

from .folders import folders, inside, read_text

__all__ = ["unreadable"]


def unreadable(directory: str) -> Iterator[str]:
    """Each ``package.json`` of them and why, in words: ``web/package.json, line 3: is not JSON: Expecting ...``."""
    for folder in folders(directory):
        name = inside(folder, "package.json")
        why = _why_not(directory, name)
        if why:
            yield f"{name}{why}"


def _why_not(directory: str, name: str) -> str:
    """Empty when it can be read, and when there is none."""
    path = os.path.join(directory, name)
    if not os.path.lexists(path):
        return ""
    text = read_text(directory, name)
    if text is None:
        return f": {_no_text(path)}"
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return f", line {error.lineno}: is not JSON: {error.msg}"
    except (ValueError, RecursionError):
        return ": is not JSON that can be read"
    return "" if isinstance(value, dict) else ": is JSON, and no object"


def _no_text(path: str) -> str:
    try:
        if not os.path.isfile(path):
            return "is there and is no file"
        with open(path, encoding="utf-8") as file:
            file.read(1_000_000)
    except UnicodeDecodeError:
        return "is no UTF-8"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "is too large"
