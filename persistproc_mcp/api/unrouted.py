"""The answer where no route is, or none for the method: the same document as any other error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..settings import MCP_PATH
from .failures import HttpFailure
from .requests import failure_reply

__all__ = ["UNROUTED"]


async def _answer(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers: Mapping[str, str] = (isinstance(error, HTTPException) and error.headers) or {}
    return failure_reply(_failure(request.url.path, status, headers.get("Allow", "")))


def _failure(path: str, status: int, allow: str) -> HttpFailure:
    if status == 404:
        return HttpFailure(404, "not_found", "there is no such path", hint="/docs has those there are")
    methods = tuple(sorted(allow.split(", ")))
    message = f"this path takes {' and '.join(methods)}"
    # It is the address that people are shown: they open it in a browser.
    hint = "agents speak MCP here; what people read is at /" if path.rstrip("/") == MCP_PATH.rstrip("/") else ""
    return HttpFailure(405, "method_not_allowed", message, hint=hint, allow=methods)


UNROUTED: Final[Mapping[int, Callable[[Request, Exception], Awaitable[Response]]]] = {404: _answer, 405: _answer}
"""Starlette's exception handlers: without them it answers with bare words."""
