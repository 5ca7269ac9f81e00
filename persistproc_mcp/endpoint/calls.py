"""The tools, as MCP lists and calls them."""

from __future__ import annotations

from typing import Final

import mcp_types as types

from ..hub import Hub
from ..tools.declared import TOOLS
from ..tools.run import run_tool
from ..tools.tool import Tool
from .context import Context, invalid
from .identities import Identities

__all__ = ["Calls", "input_schema"]

_SHOWN_AT_ONCE: Final = ("start_process", "list_processes")
"""Claude Code shows its model the other tools by name alone, until it looks for one."""


class Calls:
    """The handlers of ``tools/list`` and ``tools/call``."""

    def __init__(self, hub: Hub, identities: Identities) -> None:
        self._hub = hub
        self._identities = identities
        # One object for all requests: the order must not change either, it is in the prompt caches of the models.
        self._listed = types.ListToolsResult(tools=[_listed(tool) for tool in TOOLS.values()])

    async def list(self, ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """All tools at once."""
        return self._listed

    async def call(self, ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """What the tool says. An unknown tool is an error of the protocol (MCP 2025-11-25, Tools, Error Handling)."""
        if params.name not in TOOLS:
            raise invalid(f"there is no tool {params.name[:100]}; the tools are {', '.join(TOOLS)}")
        caller = await self._identities.caller(ctx)
        arguments = params.arguments or {}
        answer = await run_tool(self._hub, caller, params.name, arguments, ctx.session.report_progress)
        text = types.TextContent(type="text", text=answer.text)
        return types.CallToolResult(content=[text], is_error=answer.failed)


def input_schema(name: str) -> dict[str, object] | None:
    """Of one tool. Without it the SDK would run ``tools/list`` before each call, to check headers."""
    tool = TOOLS.get(name)
    return None if tool is None else tool.input_schema


def _listed(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.input_schema,
        annotations=types.ToolAnnotations(
            read_only_hint=tool.read_only,
            destructive_hint=tool.destructive,
            idempotent_hint=tool.idempotent,
            open_world_hint=tool.open_world,
        ),
        _meta={"anthropic/alwaysLoad": True} if tool.name in _SHOWN_AT_ONCE else None,
    )
