"""What the daemon says of itself to whoever connects."""

from __future__ import annotations

import os

from ... import __version__
from ...protocol import OLDEST_PROTOCOL, PROTOCOL_VERSION, Hello

__all__ = ["hello"]


def hello(instance: str) -> Hello:
    """The first line on every connection."""
    return {
        "protocol": PROTOCOL_VERSION,
        "oldest_protocol": OLDEST_PROTOCOL,
        "version": __version__,
        "pid": os.getpid(),
        "instance": instance,
    }
