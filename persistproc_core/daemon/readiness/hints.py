"""What can be done about a run that did not become ready."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..model import Run

__all__ = ["hint_for_end", "hint_for_port"]

_Hint = Callable[["re.Match[str]"], str]

_KNOWN: tuple[tuple[re.Pattern[str], _Hint], ...] = (
    (
        re.compile(r"No module named '?([\w.]+)'?"),
        lambda found: f"install the Python module {found[1]}, or start it in the environment that has it",
    ),
    (
        re.compile(r"Cannot find (?:module|package) '([^']+)'"),
        lambda found: f"{found[1]} is not there: install the dependencies (npm install)",
    ),
    (
        re.compile(r"\b(?:sh|bash|make): (?:(?:line )?\d+: )?([^\s:]+): (?:command )?not found"),
        lambda found: f"{found[1]} is not found on its PATH: install it, or start it where it is",
    ),
    (
        re.compile(r"ECONNREFUSED\s+(\S+)"),
        lambda found: f"nobody listens on {found[1]}, which it needs: start that first",
    ),
    (
        re.compile(r"(?i)connection (?:to \S+ .*)?refused"),
        lambda found: "what it connects to does not listen: start that first",
    ),
    (
        re.compile(r"(?i)permission denied"),
        lambda found: "it may not do what its last lines name: check the owner and the mode",
    ),
    (
        re.compile(r"(?i)no space left on device"),
        lambda found: "the disk is full: make room",
    ),
)


def hint_for_port(held: str, words: str) -> str:
    """For one that could not have its port: ``held`` says who has it, ``words`` what is told besides the hint."""
    if " is held by " not in held:
        return held
    what = "use that one, stop it, or give this one another port"
    return what if held in words else f"{held}: {what}"


def hint_for_end(run: Run, lines: Sequence[str]) -> str:
    """For a run that has ended, by the error in its output."""
    if run.signal == "SIGKILL" and run.stop is None:
        return "somebody killed it; the kernel does when memory runs out (dmesg tells)"
    for pattern, hint in _KNOWN:
        for line in lines:
            found = pattern.search(line)
            if found is not None:
                return hint(found)
    return "mend what its last lines say, then start it again"
