"""A call about a whole project, and its progress, in the view that fits where it is shown."""

from __future__ import annotations

import os
import sys

from ..terminal import is_terminal
from .plain import PlainView
from .watching import watched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import StartProjectReply, StopProjectReply

    from ..context import Context
    from ..interrupts import Interrupts
    from .live import LiveView
    from .rows import Rows
    from .silent import SilentView

    Reply = TypeVar("Reply", StartProjectReply, StopProjectReply)

__all__ = ["is_redrawn", "shown"]


def shown(context: Context, client: Client, rows: Rows, call: Callable[[], Reply], interrupts: Interrupts) -> Reply:
    """The reply of the call; what happens until then is shown. Raises `Interrupted`."""
    with _view_of(rows, as_json=context.json) as view:
        reply = watched(client, call, view.tell, interrupts, view.pause)
        view.settle(reply["results"])
    return reply


def is_redrawn() -> bool:
    """Whether standard output is a terminal that can be written over; each row then shows why it is as it is."""
    return is_terminal(sys.stdout) and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


def _view_of(rows: Rows, *, as_json: bool) -> LiveView | PlainView | SilentView:
    """Redrawn in place on a terminal that can do that, else line by line; nothing where a document is asked for."""
    if as_json:
        from .silent import SilentView

        return SilentView()
    if not is_redrawn():
        return PlainView(rows)
    # It takes longer to load than all the rest of the call.
    from .live import LiveView

    return LiveView(rows)
