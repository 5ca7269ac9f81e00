"""What a port of a process may be called, and which variable tells it: for the daemon and for projects' files."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .protocol import PortWish

__all__ = ["DEFAULT_NAME", "is_port_name", "is_variable", "name_of", "variable_of"]

DEFAULT_NAME = "port"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
# POSIX.1-2024, 8.1, and lower case, which some programs read.
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def name_of(wish: PortWish) -> str:
    """Its name, which is what it is called in ``{ports.NAME}``."""
    return wish.get("name", DEFAULT_NAME)


def variable_of(wish: PortWish, number: int) -> str:
    """The variable that tells it to the process, when it is the one of that number, counted from 0."""
    usual = "PORT" if number == 0 else re.sub(r"[^A-Z0-9]", "_", name_of(wish).upper()) + "_PORT"
    return wish.get("variable", usual)


def is_port_name(text: str) -> bool:
    """1 to 64 letters, digits, ``_`` and ``-``; a letter or ``_`` first."""
    return _NAME.fullmatch(text) is not None


def is_variable(text: str) -> bool:
    """Letters, digits and ``_``; no digit first."""
    return _VARIABLE.fullmatch(text) is not None
