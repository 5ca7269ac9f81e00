"""Who holds the port that a process could not have."""

from __future__ import annotations

import re
from typing import cast

from persistproc_core.errors import PersistprocError
from persistproc_core.protocol import GetPortParams, Holder, ProcessInfo

from .calling import common, directory
from .text.people import who
from .text.processes import holder_name
from .text.safe import inline
from .text.times import ago
from .tool import Call

__all__ = ["holder_words", "port_trouble"]

_HELD = re.compile(r"; port (\d+) (is held by [^;]+|was in use[^;]*)")


async def port_trouble(call: Call, info: ProcessInfo) -> str:
    """A sentence about it when the reason of a run's end says so; else nothing."""
    found = _HELD.search(info["reason"] or "")
    if found is None:
        return ""
    number, words = int(found[1]), inline(found[2], 300)
    if not words.startswith("is held"):
        return f"Port {number} {words}."
    holder = await _holder(call, number)
    if holder is not None and holder["kind"] == "process":
        words = f"is held by {holder_words(call, holder)}"
    return f"Port {number} {words}: use that one, stop it first, or start yours with port=0, a free one."


async def _holder(call: Call, port: int) -> Holder | None:
    try:
        return (await call.hub.client.get_port(**cast("GetPortParams", {**common(call), "port": port})))["holder"]
    except PersistprocError:
        return None  # the reason tells enough


def holder_words(call: Call, holder: Holder) -> str:
    """``web (pid 7, started by cursor 5 min ago)``."""
    by, at = holder["started_by"], holder["started_at"]
    started = f", started by {who(by, call.caller)}{f' {ago(at)}' if at else ''}" if by is not None else ""
    return f"{holder_name(holder, directory(call))} (pid {holder['pid']}{started})"
