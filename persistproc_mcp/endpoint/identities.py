"""On whose behalf an MCP request is answered."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from mcp.server.context import CallNext, HandlerResult
from starlette.types import Scope

from ..callers import Caller, caller_of
from .context import Context

__all__ = ["Identities"]

_KEPT = 256
"""How many clients' names are kept; who is forgotten is called by its headers or its process instead."""

_TURN = "x-codex-turn-metadata"
"""Where Codex tells its conversations apart: one process of it may hold several, and each has news of its own."""
_LONGEST_SESSION = 200


class _Key(NamedTuple):
    """What two requests of one client have in common where it says no more (pid) or less (user_agent) about itself."""

    pid: int | None
    user_agent: str


class _Name(NamedTuple):
    name: str = ""
    version: str = ""


class Identities:
    """Tells callers, and keeps the names that clients give only once, when they say `initialize`.

    Nothing depends on what is kept: a bridge that was restarted calls such a client by its User-Agent.
    """

    def __init__(self) -> None:
        self._names: OrderedDict[_Key, _Name] = OrderedDict()

    async def caller(self, ctx: Context) -> Caller:
        """Who asks: by its own words in this request (2026-07-28) or in an earlier one, else as `caller_of` says."""
        said = _said(ctx) or self._kept(_key(ctx, await caller_of(_scope(ctx))))
        caller = await caller_of(_scope(ctx), name=said.name, version=said.version)
        session = _session(ctx)
        return caller if session is None else caller._replace(session=session)

    async def remember(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """A middleware of the SDK: keeps the name of a client that says `initialize`."""
        if ctx.method == "initialize":
            said = _introduced(ctx)
            if said is not None:
                self._keep(_key(ctx, await caller_of(_scope(ctx))), said)
        return await call_next(ctx)

    def _kept(self, key: _Key) -> _Name:
        name = self._names.get(key)
        if name is None:
            return _Name()
        # Who still calls is not the one to forget.
        self._names.move_to_end(key)
        return name

    def _keep(self, key: _Key, name: _Name) -> None:
        self._names[key] = name
        self._names.move_to_end(key)
        while len(self._names) > _KEPT:
            self._names.popitem(last=False)


def _scope(ctx: Context) -> Scope:
    # Without HTTP nothing is known of the peer.
    return {"type": "http", "headers": []} if ctx.request is None else ctx.request.scope


def _key(ctx: Context, caller: Caller) -> _Key:
    return _Key(caller.pid, "" if ctx.request is None else ctx.request.headers.get("user-agent", ""))


def _said(ctx: Context) -> _Name | None:
    params = ctx.session.client_params
    return None if params is None else _Name(params.client_info.name, params.client_info.version)


def _session(ctx: Context) -> str | None:
    # As it came, for any client may write anything there.
    meta = (ctx.params or {}).get("_meta")
    turn = meta.get(_TURN) if isinstance(meta, dict) else None
    session = turn.get("thread_id") or turn.get("session_id") if isinstance(turn, dict) else None
    return session[:_LONGEST_SESSION] if isinstance(session, str) and session else None


def _introduced(ctx: Context) -> _Name | None:
    # As it came: a middleware runs before anything is checked.
    info = (ctx.params or {}).get("clientInfo")
    if not isinstance(info, dict) or not isinstance(info.get("name"), str):
        return None
    version = info.get("version")
    return _Name(info["name"], version if isinstance(version, str) else "")
