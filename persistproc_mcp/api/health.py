"""``GET /health``: whether this is persistproc, and which."""

from __future__ import annotations

from starlette.responses import Response

from persistproc_core.client.aio import AsyncClient
from persistproc_core.errors import PersistprocError
from persistproc_core.paths import Home

from ..settings import DaemonAbout, Settings, about
from .requests import json_reply

__all__ = ["health"]

_SECONDS = 2.0


async def health(settings: Settings) -> Response:
    """The bridge, and the daemon where one runs: none is started."""
    return json_reply(about(settings, await _daemon(settings.home)))


async def _daemon(home: Home) -> DaemonAbout | None:
    try:
        async with AsyncClient(home=home.path, autostart=False, timeout=_SECONDS) as client:
            return {"pid": client.hello["pid"], "version": client.hello["version"]}
    except PersistprocError:
        return None
