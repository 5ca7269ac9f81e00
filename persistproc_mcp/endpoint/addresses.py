"""The addresses of resources: ``persistproc://processes`` and what lies below it."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple
from urllib.parse import quote, unquote

__all__ = [
    "OUTPUT_TEMPLATE",
    "PROCESSES",
    "PROJECT",
    "STATUS_TEMPLATE",
    "Address",
    "Part",
    "address_in",
    "addresses_of",
]

Part = Literal["output", "status"]

PROJECT: Final = "persistproc://project"
PROCESSES: Final = "persistproc://processes"
OUTPUT_TEMPLATE: Final = PROCESSES + "/{project}/{name}/output"
STATUS_TEMPLATE: Final = PROCESSES + "/{project}/{name}/status"
"""Templates (RFC 6570, level 1: each value percent-encoded)."""

_HALVES: Final = "surrogatepass"
"""A folder's name may hold bytes that are no UTF-8 (PEP 383); its address leads back to it all the same."""


class Address(NamedTuple):
    """What an address below ``persistproc://processes`` names."""

    process: str
    """As the protocol names a process: name, project/name, or directory/name."""
    part: Part


def address_in(uri: str) -> Address | None:
    """What an address names; None: nothing of ours.

    ``{project}`` is the short name or the directory of a project. Without it the name is looked up as in any tool.
    """
    begin, _, rest = uri.partition(PROCESSES + "/")
    *named, last = rest.split("/")
    if begin or last not in ("output", "status") or len(named) not in (1, 2) or not all(named):
        return None
    part: Part = "output" if last == "output" else "status"
    try:
        return Address("/".join(unquote(piece, errors=_HALVES) for piece in named), part)
    except UnicodeDecodeError:
        return None


def addresses_of(project: str, project_directory: str, name: str, part: Part) -> list[str]:
    """Every way to write the address of a part of a process, the usual one first."""
    spellings = [(project, name), (project_directory, name), (name,)]
    return ["/".join([PROCESSES, *map(_escaped, pieces), part]) for pieces in spellings]


def _escaped(piece: str) -> str:
    return quote(piece, safe="", errors=_HALVES)
