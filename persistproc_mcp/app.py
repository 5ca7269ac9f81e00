"""The ASGI application: one guard in front of every route."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.types import ASGIApp

from .api.routes import routes
from .api.unrouted import UNROUTED
from .endpoint.server import Endpoint
from .guard.gate import Gate
from .hub import Hub
from .settings import Settings

__all__ = ["application"]


def application(settings: Settings, hub: Hub) -> ASGIApp:
    """Everything that the bridge answers. Its lifespan owns the tasks of the MCP endpoint."""
    endpoint = Endpoint(hub)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with hub, endpoint.running():
            yield

    every = [*endpoint.routes(), *routes(hub, settings)]
    return Gate(Starlette(routes=every, lifespan=lifespan, exception_handlers=UNROUTED), settings)
