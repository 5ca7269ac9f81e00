"""How the readiness that a start asks for differs from that of the run which it joins."""

from __future__ import annotations

from collections.abc import Mapping

from ...protocol import Difference, StartProcessParams
from ..settings import Settings

__all__ = ["readiness_differences"]


def readiness_differences(params: StartProcessParams, running: Settings) -> list[Difference]:
    """Only of what it names: who says nothing about it joins whatever there is."""
    found: list[Difference] = []
    if "ready" in params and params["ready"] != running.ready:
        found.append({"what": "ready", "asked": _words(params["ready"]), "running": _words(running.ready)})
    if "liveness" in params and params["liveness"] != running.liveness:
        found.append({"what": "liveness", "asked": _words(params["liveness"]), "running": _words(running.liveness)})
    return found


def _words(given: Mapping[str, object] | None) -> str:
    """``url http://localhost:3000/, status 200``."""
    return ", ".join(f"{name} {value}" for name, value in (given or {}).items()) or "nothing"
