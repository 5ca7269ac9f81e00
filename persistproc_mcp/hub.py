"""The daemon as the bridge sees it: one client for all requests, each made on its caller's behalf."""

from __future__ import annotations

from types import TracebackType

import anyio
from typing_extensions import Self

from persistproc_core.client.aio import AsyncClient
from persistproc_core.paths import Home

__all__ = ["Hub"]


class Hub:
    """Holds the client. The daemon is started where there is none, at each call anew: it may die at any moment."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.client = AsyncClient(home=home.path, name="persistproc-bridge", speaks_for_others=True)
        """Its typed methods; give each the caller's ``params()``."""
        self.ending = anyio.Event()
        """Set when the bridge is about to end: whoever answers with a stream ends it then."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose()
