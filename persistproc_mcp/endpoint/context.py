"""What the SDK hands to each handler, and how our errors become those of MCP."""

from __future__ import annotations

from typing import Any, TypeAlias

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS
from starlette.requests import Request

from persistproc_core.errors import (
    AmbiguousProcess,
    InvalidParams,
    PersistprocError,
    ProcessNotFound,
    ProjectInvalid,
    ProjectNotFound,
)

from ..tools.text.safe import inline

__all__ = ["Context", "as_mcp_error", "invalid"]

Context: TypeAlias = "ServerRequestContext[dict[str, Any], Request]"
"""One request: its metadata, the HTTP request that it came with, and the way back to its client."""

_ASKED_WRONGLY = (AmbiguousProcess, InvalidParams, ProcessNotFound, ProjectInvalid, ProjectNotFound)


def invalid(message: str) -> MCPError:
    """What names something that is not there, or leaves out what is needed."""
    return MCPError(INVALID_PARAMS, message)


def as_mcp_error(error: PersistprocError) -> MCPError:
    """The same as an error of JSON-RPC, with what to do next: clients show the message alone."""
    text = f"{error.message}; {error.hint}" if error.hint else error.message
    # It may quote a name that holds half a character, which no answer can carry.
    return MCPError(INVALID_PARAMS if isinstance(error, _ASKED_WRONGLY) else INTERNAL_ERROR, inline(text, 600))
