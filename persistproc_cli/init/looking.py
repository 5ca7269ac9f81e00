"""Everything that is found in a project's directory, put together."""

from __future__ import annotations

import re
import unicodedata

from . import compose, packages, python
from .others import find_makefile, find_procfile
from .proposal import Proposal

__all__ = ["find"]


def find(directory: str) -> list[Proposal]:
    """What its files say to run, each name once; databases and the like first.

    A Procfile is the whole list of a project's own programs; a Makefile counts where nothing else is found.
    """
    services = compose.find(directory)
    own = find_procfile(directory) or [*python.find(directory), *packages.find(directory)]
    if not own:
        # Then the services are all there is, also those that are built here.
        own = [] if services else find_makefile(directory)
        services = [service._replace(optional=False) for service in services]
    return _named([proposal for proposal in (*services, *own) if _is_text(proposal)])


def _named(proposals: list[Proposal]) -> list[Proposal]:
    """Each with a name of its own; what a plain up starts has the first choice."""
    names: dict[tuple[str, str, str], str] = {}
    for proposal in sorted(proposals, key=lambda proposal: proposal.optional):
        wished = _allowed(proposal.name)
        name, number = wished, 2
        while name in names.values():
            name, number = f"{wished}-{number}", number + 1
        names[_key(proposal, proposal.name)] = name
    return [
        proposal._replace(
            name=names[_key(proposal, proposal.name)],
            needs=tuple(
                (names[_key(proposal, name)], condition)
                for name, condition in proposal.needs
                if _key(proposal, name) in names
            ),
        )
        for proposal in proposals
    ]


def _is_text(proposal: Proposal) -> bool:
    """False for one whose folder has a name that is no text: no file of TOML can say it (TOML 1.0, String)."""
    try:
        f"{proposal.directory}{proposal.command}{proposal.source}".encode()
    except UnicodeEncodeError:
        return False
    return True


def _key(proposal: Proposal, name: str) -> tuple[str, str, str]:
    """Names are unique in a source; what a process needs is of the same one."""
    return proposal.source, proposal.directory, name


def _allowed(name: str) -> str:
    """Letters, digits and dashes: such a name needs no quotes anywhere."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-")[:40] or "app"
