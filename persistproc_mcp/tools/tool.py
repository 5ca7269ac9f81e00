"""What a tool is, and how one is called."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from persistproc_core.protocol import NewsReply

from ..callers import Caller
from ..hub import Hub

__all__ = ["Answer", "Call", "Progress", "Tool"]

Progress = Callable[[float, float | None, str], Awaitable[None]]
"""Tells the client how far a call is: so far, of how much, and in words. Does nothing when it did not ask."""


class Answer(NamedTuple):
    """What the model reads. The same in every client: text alone."""

    text: str
    failed: bool = False
    about: tuple[str, ...] = ()
    """The ids of the runs whose state the text tells, so that it is not told again as news."""
    tells_change: bool = False
    """Whether it also tells who started them, or did the last thing to them."""


class Call(NamedTuple):
    """One call of a tool."""

    hub: Hub
    caller: Caller
    arguments: Mapping[str, object]
    """As they were sent; not checked yet."""
    progress: Progress
    news: list[NewsReply] | None = None
    """Holds the news once they came with something else; None where nobody wants any."""


class Tool(NamedTuple):
    """A tool as clients list it, and what it does."""

    name: str
    description: str
    input_schema: dict[str, object]
    also_takes: dict[str, dict[str, object]]
    """Arguments that are read as well, but not listed: seldom needed, and each that is listed costs with every request
    of every model."""
    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool
    run: Callable[[Call], Awaitable[Answer]]
    """Takes a call whose arguments are checked. Raises `PersistprocError`."""
