"""Calls of the protocol's methods on behalf of whoever sent the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from starlette.types import Scope

from persistproc_core.errors import InvalidParams
from persistproc_core.protocol import METHODS, ClientInfo
from persistproc_core.validation import fields

from ..callers import Caller, caller_of
from ..hub import Hub

__all__ = ["call", "filled"]

_NEED_A_DIRECTORY = (
    "start_process",
    "capture_process",
    "adopt_process",
    "get_project",
    "start_project",
    "stop_project",
)


async def call(hub: Hub, scope: Scope, method: str, params: Mapping[str, object]) -> object:
    """The result of a method; ``params`` fit its declaration. Raises `PersistprocError`."""
    return await hub.client.call(method, await filled(scope, method, params))


async def filled(scope: Scope, method: str, params: Mapping[str, object]) -> dict[str, object]:
    """The parameters with who calls, and from where, unless they say so themselves.

    Raises `InvalidParams` where it is about one project, and nobody knows which.
    """
    declared = fields(METHODS[method].params)
    whole = dict(params)
    if "client" not in declared:
        return whole
    caller = await caller_of(scope)
    whole["client"] = _client(caller, whole.get("client"))
    if "working_directory" in declared and "working_directory" not in whole and caller.directory:
        whole["working_directory"] = caller.directory
    if method in _NEED_A_DIRECTORY and not whole.get("working_directory"):
        # The daemon would take the home of its user, which is nobody's project.
        raise InvalidParams(
            "working_directory is needed: where you work cannot be told",
            hint="give the absolute path of the project",
            data={"parameter": "working_directory"},
        )
    return whole


def _client(caller: Caller, given: object) -> ClientInfo:
    ours = caller.client()
    if not isinstance(given, dict):
        return ours
    # The pid above all: without one the daemon would take that of the bridge.
    kept = {name: value for name, value in ours.items() if name in ("pid", "directory")}
    return cast("ClientInfo", {**kept, **given})
