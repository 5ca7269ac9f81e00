"""Texts of tools for what is no tool call: resources and prompts."""

from __future__ import annotations

from collections.abc import Mapping

from persistproc_core.errors import PersistprocError

from ..callers import Caller
from ..hub import Hub
from ..tools.declared import TOOLS
from ..tools.run import prepared
from ..tools.tool import Call
from .context import as_mcp_error

__all__ = ["text_of"]


async def text_of(hub: Hub, caller: Caller, tool: str, arguments: Mapping[str, object]) -> str:
    """What the tool would say, without the news: they are told once, and are for the model. Raises `MCPError`."""
    try:
        call = prepared(TOOLS[tool], Call(hub, caller, arguments, _unheard))
        answer = await TOOLS[tool].run(call)
    except PersistprocError as error:
        raise as_mcp_error(error) from None
    return answer.text


async def _unheard(done: float, total: float | None, message: str) -> None:
    """Nobody asked how far it is."""
