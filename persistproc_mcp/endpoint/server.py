"""The MCP endpoint: the SDK's server, and its routes."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import mcp_types as types
from mcp.server.caching import CacheHint
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from persistproc_core import __version__

from ..callers import caller_of
from ..hub import Hub
from ..settings import MCP_PATH
from ..tools.instructions import INSTRUCTIONS
from .calls import Calls, input_schema
from .cancelling import Cancelling
from .completion import Completions
from .context import Context
from .identities import Identities
from .listening import Listening
from .promptly import peek
from .prompts import Prompts
from .resources import Resources

__all__ = ["Endpoint"]

_LONG: Final = CacheHint(ttl_ms=3_600_000, scope="public")
"""For what a version of the bridge never changes."""
_NEVER: Final = CacheHint(ttl_ms=0, scope="private")


class Endpoint:
    """MCP over HTTP, stateless: every request stands for itself, in all versions of the protocol."""

    def __init__(self, hub: Hub) -> None:
        # Nobody has set up its loggers: without a handler Python prints warnings to the terminal.
        logging.getLogger("mcp").setLevel(logging.WARNING)
        logging.getLogger("mcp").addHandler(logging.NullHandler())
        identities = Identities()
        self._cancelling = Cancelling(identities)
        self._listening = Listening(hub, identities)
        self.server: Final = _server(hub, identities, self._listening)
        """The SDK's server; its handlers may be wrapped."""
        # In place of the SDK's span for each message: nobody reads them, and they take time.
        self.server.middleware[:] = [identities.remember, self._cancelling.watch]
        # Hosts and origins are the guard's business: it is stricter, and stands in front of all routes.
        self._manager = StreamableHTTPSessionManager(self.server, stateless=True)
        self._prompt = StreamableHTTPSessionManager(self.server, stateless=True, json_response=True)

    def routes(self) -> list[BaseRoute]:
        """``/mcp/`` and ``/mcp``, POST only."""
        # Both: a redirect from one to the other is not followed by every client.
        application = _Application(self._manager, self._prompt)
        return [Route(path, application, methods=["POST"]) for path in (MCP_PATH, MCP_PATH.rstrip("/"))]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Own the SDK's tasks as long as the block lasts."""
        async with self._listening.running(), self._cancelling.running(), self._manager.run(), self._prompt.run():
            yield


class _Application:
    def __init__(self, manager: StreamableHTTPSessionManager, prompt: StreamableHTTPSessionManager) -> None:
        self._manager = manager
        self._prompt = prompt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # While the peer waits: a notification is answered before it is handled, and its sender may be gone by then.
        await caller_of(scope)
        peeked = await peek(receive)
        manager = self._prompt if peeked.is_look_up else self._manager
        await manager.handle_request(scope, peeked.receive, send)


def _server(hub: Hub, identities: Identities, listening: Listening) -> Server[dict[str, Any]]:
    calls, resources, prompts = Calls(hub, identities), Resources(hub, identities), Prompts(hub, identities)
    server: Server[dict[str, Any]] = Server(
        "persistproc",
        version=__version__,
        title="persistproc",
        instructions=INSTRUCTIONS,
        cache_hints={
            "server/discover": _LONG,
            "tools/list": _LONG,
            "prompts/list": _LONG,
            "resources/templates/list": _LONG,
            "resources/list": _NEVER,
            "resources/read": _NEVER,
        },
        get_tool_input_schema=input_schema,
        on_list_tools=calls.list,
        on_call_tool=calls.call,
        on_list_resources=resources.list,
        on_list_resource_templates=resources.templates,
        on_read_resource=resources.read,
        on_subscriptions_listen=listening.listen,
        on_list_prompts=prompts.list,
        on_get_prompt=prompts.get,
        on_completion=Completions(hub, identities).complete,
    )

    async def discover(ctx: Context, params: types.RequestParams) -> types.DiscoverResult:
        return types.DiscoverResult(
            supported_versions=list(MODERN_PROTOCOL_VERSIONS),
            capabilities=_honest(server.get_capabilities(protocol_version=ctx.protocol_version)),
            instructions=server.instructions,
        )

    server.add_request_handler("server/discover", types.RequestParams, discover)
    return server


def _honest(capabilities: types.ServerCapabilities) -> types.ServerCapabilities:
    # Tools and prompts are fixed. Said otherwise, clients keep a stream open to hear of it.
    fixed = {"list_changed": False}
    tools, prompts = capabilities.tools, capabilities.prompts
    return capabilities.model_copy(
        update={
            "tools": None if tools is None else tools.model_copy(update=fixed),
            "prompts": None if prompts is None else prompts.model_copy(update=fixed),
        }
    )
