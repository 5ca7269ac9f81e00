"""Cancellation in the older versions: a notification, in an HTTP request of its own.

In 2026-07-28 a client closes the response, and the SDK cancels the handler. Before, it says
``notifications/cancelled`` with the id of the request (MCP 2025-11-25, Cancellation), and the SDK looks for that
request in the same session; here each HTTP request is a session.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

import anyio
from anyio.abc import TaskGroup
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from .context import Context
from .identities import Identities

__all__ = ["Cancelling"]


_CANCELLED: Final = -32800
"""As the SDK says it; nobody waits for this answer any more."""


class _Key(NamedTuple):
    """Ids of requests are unique in a client only; processes tell clients apart."""

    pid: int
    request: int | str


class Cancelling:
    """Knows the tool calls under way of clients that speak an older version."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._calls: dict[_Key, list[anyio.CancelScope]] = {}
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Cancel calls as long as the block lasts."""
        async with anyio.create_task_group() as self._tasks:
            try:
                yield
            finally:
                self._tasks.cancel_scope.cancel()
                self._tasks = None

    async def watch(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """A middleware of the SDK."""
        if ctx.protocol_version not in HANDSHAKE_PROTOCOL_VERSIONS:
            return await call_next(ctx)
        if ctx.method == "notifications/cancelled" and self._tasks is not None:
            # In a task of ours: this one ends with the HTTP request, which is answered already.
            self._tasks.start_soon(self._cancel, ctx)
        if ctx.method == "tools/call" and ctx.request_id is not None:
            return await self._call(ctx, call_next, ctx.request_id)
        return await call_next(ctx)

    async def _call(self, ctx: Context, call_next: CallNext, request: int | str) -> HandlerResult:
        caller = await self._identities.caller(ctx)
        if caller.pid is None:
            return await call_next(ctx)
        key = _Key(caller.pid, request)
        with anyio.CancelScope() as scope:
            self._calls.setdefault(key, []).append(scope)
            try:
                return await call_next(ctx)
            finally:
                self._calls[key].remove(scope)
                if not self._calls[key]:
                    del self._calls[key]
        raise MCPError(_CANCELLED, "cancelled, as you asked")

    async def _cancel(self, ctx: Context) -> None:
        request = (ctx.params or {}).get("requestId")
        caller = await self._identities.caller(ctx)
        if caller.pid is None or not isinstance(request, (int, str)):
            return
        found = self._calls.get(_Key(caller.pid, request), [])
        # Two conversations of one process may use the same id; then neither is cut off.
        if len(found) == 1:
            found[0].cancel()
