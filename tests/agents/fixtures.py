"""What the conformance suite wants of every server: tools, resources and prompts of fixed names and contents.

They are put around the handlers of the real endpoint; what they do not know is answered by it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import anyio
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from persistproc_mcp.endpoint.context import Context

__all__ = ["install"]

_PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
_WAV: Final = base64.b64encode(
    b"RIFF\x25\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data\x01\0\0\0\x80"
).decode()
_IMAGE: Final = types.ImageContent(type="image", data=_PNG, mime_type="image/png")
_NOTHING: Final[dict[str, object]] = {"type": "object", "properties": {}}


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)


def _embedded(uri: str, text: str, mime_type: str = "text/plain") -> types.EmbeddedResource:
    contents = types.TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return types.EmbeddedResource(type="resource", resource=contents)


_CONTENTS: Final[dict[str, list[types.ContentBlock]]] = {
    "test_simple_text": [_text("This is a simple text response for testing.")],
    "test_image_content": [_IMAGE],
    "test_audio_content": [types.AudioContent(type="audio", data=_WAV, mime_type="audio/wav")],
    "test_embedded_resource": [_embedded("test://embedded-resource", "This is an embedded resource content.")],
    "test_multiple_content_types": [
        _text("Multiple content types test:"),
        _IMAGE,
        _embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
    ],
    "test_error_handling": [_text("This tool intentionally returns an error for testing")],
    "test_tool_with_progress": [_text("Done.")],
    "test_custom_headers": [_text("Accepted.")],
    "json_schema_2020_12_tool": [_text("Accepted.")],
    "test_missing_capability": [_text("Not reached without the capability.")],
    "test_logging_tool": [_text("Nothing was logged.")],
    "test_streaming_elicitation": [_text("Nothing was asked.")],
}

_SCHEMAS: Final[dict[str, dict[str, object]]] = {
    "test_custom_headers": {
        "type": "object",
        "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
    },
    "json_schema_2020_12_tool": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": False,
    },
}

_RESOURCES: Final[dict[str, types.TextResourceContents | types.BlobResourceContents]] = {
    "test://static-text": types.TextResourceContents(
        uri="test://static-text",
        mime_type="text/plain",
        text="This is the content of the static text resource.",
    ),
    "test://static-binary": types.BlobResourceContents(uri="test://static-binary", mime_type="image/png", blob=_PNG),
}
_TEMPLATE: Final = "test://template/{id}/data"

_PROMPTS: Final[dict[str, list[str]]] = {
    "test_simple_prompt": [],
    "test_prompt_with_arguments": ["arg1", "arg2"],
    "test_prompt_with_embedded_resource": ["resourceUri"],
    "test_prompt_with_image": [],
}

_Handler = Callable[[Context, Any], Awaitable[Any]]


def install(server: Server[dict[str, Any]]) -> None:
    """Put the fixtures around the server's handlers."""
    for method, make in (
        ("tools/list", _list_tools),
        ("tools/call", _call_tool),
        ("resources/list", _list_resources),
        ("resources/templates/list", _list_templates),
        ("resources/read", _read_resource),
        ("prompts/list", _list_prompts),
        ("prompts/get", _get_prompt),
        ("completion/complete", _complete),
    ):
        entry = server.get_request_handler(method)
        assert entry is not None, f"the endpoint does not serve {method}"
        server.add_request_handler(method, entry.params_type, make(entry.handler))
    real = server.get_tool_input_schema
    assert real is not None
    server.get_tool_input_schema = lambda name: _SCHEMAS.get(name, real(name))


def _list_tools(real: _Handler) -> _Handler:
    async def handle(ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        listed: types.ListToolsResult = await real(ctx, params)
        # First: some scenarios call the first tool that there is.
        more = [
            types.Tool(name=name, description="A fixture.", input_schema=_SCHEMAS.get(name, _NOTHING))
            for name in _CONTENTS
        ]
        return listed.model_copy(update={"tools": [*more, *listed.tools]})

    return handle


def _call_tool(real: _Handler) -> _Handler:
    async def handle(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        if params.name not in _CONTENTS:
            result: types.CallToolResult = await real(ctx, params)
            return result
        if params.name == "test_missing_capability":
            _demand_sampling(ctx)
        if params.name == "test_tool_with_progress":
            for done in (0, 50, 100):
                await ctx.session.report_progress(done, 100)
                await anyio.sleep(0.05)
        return types.CallToolResult(content=_CONTENTS[params.name], is_error=params.name == "test_error_handling")

    return handle


def _demand_sampling(ctx: Context) -> None:
    capabilities = ctx.session.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        data: dict[str, object] = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "this tool needs sampling", data)


def _list_resources(real: _Handler) -> _Handler:
    async def handle(ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        listed: types.ListResourcesResult = await real(ctx, params)
        more = [
            types.Resource(name=uri, uri=uri, description="A fixture.", mime_type=contents.mime_type)
            for uri, contents in _RESOURCES.items()
        ]
        return listed.model_copy(update={"resources": [*listed.resources, *more]})

    return handle


def _list_templates(real: _Handler) -> _Handler:
    async def handle(ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListResourceTemplatesResult:
        listed: types.ListResourceTemplatesResult = await real(ctx, params)
        more = types.ResourceTemplate(name="template", uri_template=_TEMPLATE, description="A fixture.")
        return listed.model_copy(update={"resource_templates": [*listed.resource_templates, more]})

    return handle


def _read_resource(real: _Handler) -> _Handler:
    async def handle(ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        if params.uri in _RESOURCES:
            return types.ReadResourceResult(contents=[_RESOURCES[params.uri]])
        begin, end = _TEMPLATE.split("{id}")
        if params.uri.startswith(begin) and params.uri.endswith(end):
            number = params.uri[len(begin) : -len(end)]
            text = json.dumps({"id": number, "templateTest": True, "data": f"Data for ID: {number}"})
            contents = types.TextResourceContents(uri=params.uri, mime_type="application/json", text=text)
            return types.ReadResourceResult(contents=[contents])
        result: types.ReadResourceResult = await real(ctx, params)
        return result

    return handle


def _list_prompts(real: _Handler) -> _Handler:
    async def handle(ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        listed: types.ListPromptsResult = await real(ctx, params)
        more = [
            types.Prompt(
                name=name,
                description="A fixture.",
                arguments=[types.PromptArgument(name=one, required=True) for one in arguments],
            )
            for name, arguments in _PROMPTS.items()
        ]
        return listed.model_copy(update={"prompts": [*listed.prompts, *more]})

    return handle


def _get_prompt(real: _Handler) -> _Handler:
    async def handle(ctx: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        if params.name not in _PROMPTS:
            result: types.GetPromptResult = await real(ctx, params)
            return result
        contents = _prompt(params.name, params.arguments or {})
        return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=one) for one in contents])

    return handle


def _prompt(name: str, arguments: Mapping[str, str]) -> list[types.ContentBlock]:
    if name == "test_prompt_with_arguments":
        return [_text(f"Prompt with arguments: arg1='{arguments['arg1']}', arg2='{arguments['arg2']}'")]
    if name == "test_prompt_with_embedded_resource":
        embedded = _embedded(arguments["resourceUri"], "Embedded resource content for testing.")
        return [embedded, _text("Please process the embedded resource above.")]
    if name == "test_prompt_with_image":
        return [_IMAGE, _text("Please analyze the image above.")]
    return [_text("This is a simple prompt for testing.")]


def _complete(real: _Handler) -> _Handler:
    async def handle(ctx: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        if isinstance(params.ref, types.PromptReference) and params.ref.name in _PROMPTS:
            return types.CompleteResult(completion=types.Completion(values=["paris", "park", "party"], total=3))
        result: types.CompleteResult = await real(ctx, params)
        return result

    return handle
