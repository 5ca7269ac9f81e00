"""Yes or no, before something is done that cannot be undone."""

from __future__ import annotations

import sys

from .arguments import UsageError
from .terminal import can_ask

__all__ = ["confirmed", "need_terminal"]


def need_terminal(what: str, hint: str) -> None:
    """Raises `UsageError` where nobody is there to ask."""
    if not can_ask():
        raise UsageError(f"{what}, and nobody is there to ask", hint=hint)


def confirmed(question: str) -> bool:
    """Ask on standard error; only yes is a yes."""
    sys.stderr.write(f"persistproc: {question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
