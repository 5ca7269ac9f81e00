"""The prompts: what a person picks in an agent's menu."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import mcp_types as types

from ..callers import Caller
from ..hub import Hub
from ..tools.calling import without_guess
from ..tools.text.safe import inline
from .context import Context, invalid
from .identities import Identities
from .reading import text_of

__all__ = ["BRING_PROJECT_UP", "DIAGNOSE_CRASH", "PROMPTS", "Prompts"]

DIAGNOSE_CRASH: Final = "diagnose_crash"
BRING_PROJECT_UP: Final = "bring_project_up"

PROMPTS: Final = [
    types.Prompt(
        name=DIAGNOSE_CRASH,
        title="Diagnose a crash",
        description="Find out why a process ended or misbehaves, from its state and its last output.",
        arguments=[types.PromptArgument(name="process", description="Name or project/name.", required=True)],
    ),
    types.Prompt(
        name=BRING_PROJECT_UP,
        title="Bring the project up",
        description="Start the servers and watchers that a project needs, and say where they listen.",
        arguments=[
            types.PromptArgument(
                name="working_directory", description="The project's directory; the agent's own without it."
            )
        ],
    ),
]

_DIAGNOSE = """\
Find out why {process}, which runs under persistproc, ended or misbehaves.

1. Read its state and its last output below. More of it: get_process_output (grep, since, run="previous").
2. Name the cause: the first error, not what follows from it. Look at the code or configuration that it points to.
3. Say what to change. When that is done, restart_process with a reason, and check with wait_for_process.

{status}

{output}"""

_BRING_UP = """\
Bring {project} up with persistproc.

1. What runs already stands below; do not start it again.
2. When get_project finds a file that defines the processes, start_project brings all of them up. Else find out what \
the project needs: package.json scripts, Makefile, docker-compose.yml, README.
3. Without such a file start_process each server and watcher, databases first, with working_directory and a short \
name; wait until it is ready (port, or output).
4. When one fails, read get_process_output and mend the cause before going on.
5. Say in the end what runs, and the address of each.

{listed}"""


class Prompts:
    """The handlers of ``prompts/...``."""

    def __init__(self, hub: Hub, identities: Identities) -> None:
        self._hub = hub
        self._identities = identities

    async def list(self, ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        """Both."""
        return types.ListPromptsResult(prompts=PROMPTS)

    async def get(self, ctx: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        """The prompt with what is true now in it. Raises `MCPError`."""
        prompt = next((prompt for prompt in PROMPTS if prompt.name == params.name), None)
        if prompt is None:
            names = ", ".join(prompt.name for prompt in PROMPTS)
            raise invalid(f"there is no prompt {params.name[:100]}; the prompts are {names}")
        arguments = params.arguments or {}
        _check(prompt, arguments)
        caller = await self._identities.caller(ctx)
        if prompt.name == DIAGNOSE_CRASH:
            text = await self._diagnosis(caller, arguments["process"])
        else:
            text = await self._beginning(caller, arguments.get("working_directory", ""))
        message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
        return types.GetPromptResult(description=prompt.description, messages=[message])

    async def _diagnosis(self, caller: Caller, process: str) -> str:
        status = await text_of(self._hub, caller, "get_process_status", {"process": process})
        output = await text_of(self._hub, caller, "get_process_output", {"process": process})
        return _DIAGNOSE.format(process=inline(process), status=status, output=output)

    async def _beginning(self, caller: Caller, directory: str) -> str:
        arguments: dict[str, object] = {"working_directory": directory} if directory else {}
        listed = await text_of(self._hub, caller, "list_processes", arguments)
        where = directory or without_guess(caller).directory
        project = f"the project in {inline(where, 500)}" if where else "this project"
        return _BRING_UP.format(project=project, listed=listed)


def _check(prompt: types.Prompt, given: Mapping[str, str]) -> None:
    declared = prompt.arguments or []
    names = [argument.name for argument in declared]
    for name in given:
        if name not in names:
            raise invalid(f"{prompt.name} takes no {name[:100]}; it takes {', '.join(names)}")
    for argument in declared:
        if argument.required and not given.get(argument.name):
            raise invalid(f"{prompt.name} needs {argument.name}: {argument.description}")
