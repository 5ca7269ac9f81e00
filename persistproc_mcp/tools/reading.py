"""What a tool reads of the daemon, in one round trip with the news."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from persistproc_core.errors import PersistprocError
from persistproc_core.protocol import NewsReply

from .calling import common
from .tool import Call

__all__ = ["read"]


async def read(call: Call, *wanted: tuple[str, Mapping[str, object]]) -> list[object]:
    """The results of methods that only read, done in this order, and after them the news, kept in ``call.news``.

    Raises the `PersistprocError` of the first that failed.
    """
    news = call.news
    calls = list(wanted) if news is None else [*wanted, ("get_news", common(call))]
    results = await call.hub.client.read_together(calls)
    if news is not None:
        told = results.pop()
        if not isinstance(told, PersistprocError):
            # Kept before anything is raised: the daemon tells each news once.
            news.append(cast("NewsReply", told))
    for result in results:
        if isinstance(result, PersistprocError):
            raise result
    return results
