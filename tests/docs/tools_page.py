"""The page about the MCP tools, made from their declaration, with answers that the tests have recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from persistproc_core.protocol import METHODS
from persistproc_core.validation import fields
from persistproc_mcp.endpoint.prompts import PROMPTS
from persistproc_mcp.endpoint.resources import EVERYTHING, OWN_PROJECT, TEMPLATES
from persistproc_mcp.endpoint.updates import TYPES
from persistproc_mcp.tools.declared import TOOLS
from persistproc_mcp.tools.instructions import INSTRUCTIONS
from persistproc_mcp.tools.tool import Tool
from tests.docs.markdown import slug, table

__all__ = ["tools_page"]

_EXAMPLES = Path(__file__).resolve().parent.parent / "bridge" / "tools" / "examples.json"

INTRODUCTION = """\
# MCP tools

<!-- Made by `make docs` from persistproc_mcp/{tools,endpoint} and tests/bridge/tools/examples.json. Do not edit. -->

What an agent that is [connected to persistproc](../user-guide/agent-integration.md) can do. Arguments are called as in
the [protocol](protocol.md#methods), and mean the same.

"""

ANSWERS = """\
## What answers have in common

- They are text, the same in every client. `isError` is set when the call failed: then the answer says what went wrong,
  what is true now and what to do next.
- **What a process printed** stands between two `untrusted_output` tags. It is data; no output can end its fence,
  because the fence then takes another name. Control sequences, and characters that are not seen or that turn the text
  around, are removed.
- **`cursor=...`** names the place after the last line. Given back to `get_process_output`, only what is new is
  returned, over restarts as well.
- **`News: ...`** at the end tells what others did, and what crashed, since this client's last call. It is about the
  project, or about all projects where it is not known in which one the client works.
- **Who** started, stopped or restarted a process is told by the name of the client, and the `reason` that it gave.
  You are `you`; another window of the same program is `another claude-code`.
- Values of environment variables are never told.
- An answer of `get_process_output` has at most 8,000 bytes unless `max_bytes` says otherwise; the answers of the others
  are much shorter.

## What arguments have in common

Numbers may be given as text, and text as numbers: `process` takes `48213` and `"web"`. What is `null` was not given.
An unknown argument is an error that names the right one, and nothing is done.

Some arguments are taken but not listed to the model, for each that is costs tokens with every request; they are marked
in the tables. `working_directory` is one of them for most tools: names are looked up in its project first. Without it
that is the directory in which the client works, where it can be told.

## Approval

Clients ask their users by these annotations. They are meant honestly: `start_process` and `send_process_input` run
whatever they are given, with the user's rights and outside of the agent's sandbox. `restart_process` runs again what
was started before. `wait_for_process` asks the `url` that it is given.

"""


RESOURCES = """\
## Resources

What the read-only tools say, for people and clients that attach it to a conversation. Texts are those of the tools,
without the news. `resources/list` names the list of processes, the client's project and the output of each process of
every project.

"""

AFTER_RESOURCES = """\
`{project}` is the short name of a project, or its directory where several have that name. It may be left out: then the
name is looked up in the client's project first. Each value is percent-encoded. What is not there is the error -32602,
with the `uri` in its `data`.

"""

PROMPTS_BEGIN = """\
## Prompts

What a person picks in an agent's menu. The text holds what is true at that moment: what the tools would say.

"""

COMPLETION = """\
## Completion

`completion/complete` completes the arguments of prompts and the values in the templates of resources with names of
processes, projects and directories that there are: at most 100, and first those that begin with what was typed.

"""

SUBSCRIPTIONS = """\
## Subscriptions

Clients that speak {modern} can listen (`subscriptions/listen`). They are told that something changed, and read it
again:

- `resourcesListChanged`: a process was started or removed.
- `resourceSubscriptions`: an address of a list, a status or an output. A list and a status change with these events:
  {events}. An output changes with them too, and, at most twice a second, when something is printed.

Ports and questions are told by nobody. Tools and prompts never change. Clients of older versions would say
`resources/subscribe`, which needs a session; it is not offered.
"""


def tools_page() -> str:
    """The text of docs/api/mcp-tools.md."""
    rows = [(f"[`{tool.name}`](#{slug(tool.name)})", *map(_mark, _annotations(tool))) for tool in TOOLS.values()]
    parts = [INTRODUCTION, ANSWERS, table(("tool", "read-only", "destructive", "idempotent", "open world"), rows)]
    parts.append(
        f"## Instructions\n\nThe server gives clients this text about itself:\n\n```text\n{INSTRUCTIONS}\n```\n\n"
    )
    parts.append("## Tools\n\nThe examples are of one day: Claude Code and Cursor work on the same project.\n\n")
    examples = cast("list[dict[str, Any]]", json.loads(_EXAMPLES.read_text("utf-8")))
    for tool in TOOLS.values():
        parts.append(_tool(tool))
        parts += [_example(each) for each in examples if each["tool"] == tool.name]
    parts += [_resources(), _prompts(), COMPLETION]
    events = ", ".join(f"`{name}`" for name in TYPES)
    parts.append(SUBSCRIPTIONS.format(modern=", ".join(MODERN_PROTOCOL_VERSIONS), events=events))
    return "".join(parts).rstrip("\n") + "\n"


def _resources() -> str:
    rows = [(f"`{each.uri}`", _sentence(each.description)) for each in (EVERYTHING, OWN_PROJECT)]
    rows += [(f"`{each.uri_template}`", _sentence(each.description)) for each in TEMPLATES]
    return RESOURCES + table(("address", "text"), rows) + AFTER_RESOURCES


def _prompts() -> str:
    parts = [PROMPTS_BEGIN]
    for prompt in PROMPTS:
        rows = [
            (
                f"`{argument.name}`",
                f"{'**Required.** ' if argument.required else ''}{_sentence(argument.description)}",
            )
            for argument in prompt.arguments or []
        ]
        parts.append(f"### {prompt.name}\n\n{_sentence(prompt.description)}\n\n{table(('argument', 'meaning'), rows)}")
    return "".join(parts)


def _sentence(text: str | None) -> str:
    return f"{(text or '').rstrip('.')}."


def _annotations(tool: Tool) -> tuple[bool, ...]:
    return tool.read_only, tool.destructive, tool.idempotent, tool.open_world


def _mark(value: bool) -> str:
    return "yes" if value else "no"


def _tool(tool: Tool) -> str:
    listed = cast("dict[str, dict[str, object]]", tool.input_schema["properties"])
    required = cast("list[str]", tool.input_schema.get("required", []))
    rows = [
        (f"`{name}`", _type(schema), _meaning(name, schema, required=name in required, listed=name in listed))
        for name, schema in {**listed, **tool.also_takes}.items()
    ]
    return f"### {tool.name}\n\n{tool.description}\n\n{table(('argument', 'type', 'meaning'), rows)}"


def _type(schema: dict[str, object]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in cast("list[str]", schema["enum"]))
    names = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false"}
    name = names.get(str(schema["type"]), "object of text")
    return f"{name}, at most {schema['maximum']}" if "maximum" in schema else name


def _meaning(name: str, schema: dict[str, object], *, required: bool, listed: bool) -> str:
    """What the model is told; where that is nothing, what the protocol says."""
    told = str(schema.get("description", "")) or _PROTOCOL[name]
    told = told[0].upper() + told[1:].rstrip(".") + "."
    return " ".join(filter(None, ["**Required.**" if required else "", told, "" if listed else "Not listed."]))


_PROTOCOL = {name: field.text for method in TOOLS for name, field in fields(METHODS[method].params).items()}


def _example(example: dict[str, Any]) -> str:
    arguments = json.dumps(example["arguments"], ensure_ascii=False)
    failed = ", `isError`" if example["failed"] else ""
    return f"{example['client']}: `{arguments}`{failed}\n\n```text\n{example['answer']}\n```\n\n"
