"""A word to who has upgraded persistproc while its daemon still runs the former version."""

from __future__ import annotations

import re

from persistproc_core import __version__
from persistproc_core.errors import PersistprocError

from .output import note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client

__all__ = ["is_newer", "offer_restart"]


def offer_restart(client: Client) -> None:
    """Say so when the daemon that the client talked to is older than this program."""
    try:
        daemon = client.hello["version"]
    except PersistprocError:
        return
    if is_newer(__version__, daemon):
        note(
            f"the daemon is still version {daemon}, and this is {__version__}; "
            "to replace it (processes go on): persistproc daemon restart"
        )


def is_newer(one: str, other: str) -> bool:
    """Whether a version is newer than another one. What is no version is not."""
    return bool(_numbers(one) and _numbers(other)) and _numbers(one) > _numbers(other)


def _numbers(version: str) -> tuple[int, ...]:
    # The release segment of PEP 440: of 1.2.dev3 and 1.2, neither is offered for the other.
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(map(int, found[1].split("."))) if found else ()
