"""The official Python client against the bridge of a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp_types as types
from mcp.client import Client

from tests.kit.bridge import Bridge

__all__ = ["connected", "said"]


@asynccontextmanager
async def connected(bridge: Bridge, mode: str = "auto", name: str = "mcp-test") -> AsyncIterator[Client]:
    """A client over HTTP: ``auto`` speaks 2026-07-28, ``legacy`` the version before."""
    info = types.Implementation(name=name, version="1.0")
    async with Client(bridge.mcp_url, mode=mode, client_info=info, read_timeout_seconds=30, cache=None) as client:
        yield client


async def said(client: Client, tool: str, directory: Path, **arguments: Any) -> str:
    """The text of a tool's answer, which must not be an error."""
    result = await client.call_tool(tool, {"working_directory": str(directory), **arguments})
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    assert not result.is_error, content.text
    return content.text
