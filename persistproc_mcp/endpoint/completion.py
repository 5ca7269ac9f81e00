"""Completion: names of processes, projects and directories while somebody types them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import mcp_types as types

from persistproc_core.errors import PersistprocError
from persistproc_core.protocol import ProcessInfo

from ..callers import Caller
from ..hub import Hub
from .addresses import OUTPUT_TEMPLATE, STATUS_TEMPLATE
from .context import Context, as_mcp_error, invalid
from .identities import Identities
from .prompts import PROMPTS

__all__ = ["Completions"]

_MOST: Final = 100
"""Values in one answer (MCP, Completion)."""


class Completions:
    """The handler of ``completion/complete``."""

    def __init__(self, hub: Hub, identities: Identities) -> None:
        self._hub = hub
        self._identities = identities

    async def complete(self, ctx: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        """What may stand there, what begins with the given text first."""
        _check(params.ref)
        caller = await self._identities.caller(ctx)
        try:
            found = await self._hub.client.list_processes(all_projects=True, **caller.params())
        except PersistprocError as error:
            raise as_mcp_error(error) from None
        resolved = (params.context.arguments if params.context is not None else None) or {}
        values = _candidates(params.argument.name, found["processes"], caller, resolved.get("project"))
        fitting = _fitting(params.argument.value, values)
        return types.CompleteResult(
            completion=types.Completion(
                values=fitting[:_MOST], total=len(fitting), has_more=True if len(fitting) > _MOST else None
            )
        )


def _check(ref: types.PromptReference | types.ResourceTemplateReference) -> None:
    if isinstance(ref, types.PromptReference):
        if ref.name not in [prompt.name for prompt in PROMPTS]:
            raise invalid(f"there is no prompt {ref.name[:100]}")
    elif ref.uri not in (OUTPUT_TEMPLATE, STATUS_TEMPLATE):
        raise invalid(f"there is no resource template {ref.uri[:200]}")


def _candidates(argument: str, processes: Sequence[ProcessInfo], caller: Caller, project: str | None) -> list[str]:
    if argument == "process":
        own = [process["name"] for process in processes if _is_near(process, caller)]
        return [*own, *(f"{process['project']}/{process['name']}" for process in processes)]
    if argument == "name":
        return [process["name"] for process in processes if project in (None, "", process["project"])]
    if argument == "project":
        return [process["project"] for process in processes]
    if argument == "working_directory":
        return [process["project_directory"] for process in processes]
    return []


def _is_near(process: ProcessInfo, caller: Caller) -> bool:
    inside = process["project_directory"].rstrip("/") + "/"
    return f"{caller.directory}/".startswith(inside)


def _fitting(typed: str, values: Iterable[str]) -> list[str]:
    text = typed.lower()
    # What cannot be typed is no use: a half character, or what is not seen.
    found = [value for value in dict.fromkeys(values) if text in value.lower() and value.isprintable()]
    return sorted(found, key=lambda value: not value.lower().startswith(text))
