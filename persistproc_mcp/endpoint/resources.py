"""The resources: the list of processes, and of each its status and its output, in the words of the tools."""

from __future__ import annotations

from collections import Counter
from typing import Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from persistproc_core.errors import PersistprocError
from persistproc_core.protocol import ProcessInfo

from ..callers import Caller
from ..hub import Hub
from ..tools.text.processes import command
from ..tools.text.safe import inline, short_path
from .addresses import OUTPUT_TEMPLATE, PROCESSES, PROJECT, STATUS_TEMPLATE, address_in, addresses_of
from .context import Context, as_mcp_error, invalid
from .identities import Identities
from .reading import text_of

__all__ = ["EVERYTHING", "OWN_PROJECT", "TEMPLATES", "Resources"]

_TEXT: Final = "text/plain"
_TOOLS: Final = {"output": "get_process_output", "status": "get_process_status"}

EVERYTHING: Final = types.Resource(
    name="processes", uri=PROCESSES, description="All processes of all projects: state, age, ports.", mime_type=_TEXT
)
OWN_PROJECT: Final = types.Resource(
    name="project",
    uri=PROJECT,
    description="What the file of the client's project defines, and what of it runs.",
    mime_type=_TEXT,
)
TEMPLATES: Final = [
    types.ResourceTemplate(
        name="process output",
        uri_template=OUTPUT_TEMPLATE,
        description="The last lines that a process printed.",
        mime_type=_TEXT,
    ),
    types.ResourceTemplate(
        name="process status",
        uri_template=STATUS_TEMPLATE,
        description="State, ports and history of a process, and who started it.",
        mime_type=_TEXT,
    ),
]


class Resources:
    """The handlers of ``resources/...``."""

    def __init__(self, hub: Hub, identities: Identities) -> None:
        self._hub = hub
        self._identities = identities

    async def list(self, ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        """The list itself, the client's project, and the output of every process of every project."""
        caller = await self._identities.caller(ctx)
        try:
            found = await self._hub.client.list_processes(all_projects=True, **caller.params())
        except PersistprocError as error:
            raise as_mcp_error(error) from None
        return types.ListResourcesResult(resources=[EVERYTHING, OWN_PROJECT, *_outputs(found["processes"])])

    async def templates(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """Of output and status."""
        return types.ListResourceTemplatesResult(resource_templates=TEMPLATES)

    async def read(self, ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        """The text. Raises `MCPError`: -32602 with the URI for what is not there (MCP 2026-07-28, Resources)."""
        caller = await self._identities.caller(ctx)
        try:
            text = await self._text(caller, params.uri)
        except MCPError as error:
            raise MCPError(error.code, error.message, {"uri": params.uri}) from None
        contents = types.TextResourceContents(uri=params.uri, mime_type=_TEXT, text=text)
        return types.ReadResourceResult(contents=[contents])

    async def _text(self, caller: Caller, uri: str) -> str:
        if uri == PROCESSES:
            return await text_of(self._hub, caller, "list_processes", {"all_projects": True})
        if uri == PROJECT:
            return await text_of(self._hub, caller, "get_project", {})
        address = address_in(uri)
        if address is None:
            raise invalid(f"there is no resource {uri[:200]}; there are {PROCESSES} and {OUTPUT_TEMPLATE}")
        return await text_of(self._hub, caller, _TOOLS[address.part], {"process": address.process})


def _outputs(processes: list[ProcessInfo]) -> list[types.Resource]:
    # Two directories of one name are told apart by their paths.
    directories = {(process["project"], process["project_directory"]) for process in processes}
    shared = Counter(project for project, _ in directories)
    return [_output(process, ambiguous=shared[process["project"]] > 1) for process in processes]


def _output(process: ProcessInfo, *, ambiguous: bool) -> types.Resource:
    project, directory, name = process["project"], process["project_directory"], process["name"]
    by_name, by_directory, _ = addresses_of(project, directory, name, "output")
    return types.Resource(
        name=inline(f"{project}/{name}"),
        uri=by_directory if ambiguous else by_name,
        # Clients show it to their models: what somebody called a command must not act there.
        description=f"Output of {command(process)} ({process['state']}) in {short_path(process['working_directory'])}",
        mime_type=_TEXT,
    )
