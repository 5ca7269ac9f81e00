"""The routes of the HTTP interface."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from ..hub import Hub
from ..settings import Settings
from .health import health
from .landing import landing_page
from .openapi import openapi_document
from .page import reference_page
from .requests import json_reply
from .serving import ResourceApp, RpcApp
from .style import STYLE

__all__ = ["routes"]


def routes(hub: Hub, settings: Settings) -> list[BaseRoute]:
    """All of them."""

    async def state(request: Request) -> Response:
        return await health(settings)

    async def landing(request: Request) -> Response:
        return HTMLResponse(landing_page(settings))

    async def reference(request: Request) -> Response:
        return HTMLResponse(reference_page())

    async def style(request: Request) -> Response:
        return Response(STYLE, media_type="text/css")

    async def openapi(request: Request) -> Response:
        return json_reply(openapi_document())

    resources = ResourceApp(hub)
    return [
        Route("/", landing),
        Route("/health", state),
        Route("/docs", reference),
        Route("/docs.css", style),
        Route("/openapi.json", openapi),
        Route("/rpc", RpcApp(hub)),
        Mount("/api", resources),
    ]
