"""The OpenAPI document, made from the protocol's declaration and the table of resources.

OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1). The schemas are those of the OpenRPC document of the socket.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any

from persistproc_core import __version__, errors
from persistproc_core.errors import PersistprocError
from persistproc_core.protocol import METHODS, CallerParams
from persistproc_core.schema import openrpc_document
from persistproc_core.validation import fields

from .described import BODY_REFUSALS, Document, health_operation, json_content, own_schemas, refusals, rpc_operation
from .failures import STATUSES
from .resources import RESOURCES, STREAMS, WITH_BODY, Resource, Stream

__all__ = ["openapi_document", "statuses_of"]

_TAGS = (
    ("processes", "Start, look at, stop and restart processes; read what they print and write to their input."),
    ("streams", "What happens and what is printed, as it comes: server-sent events, or a WebSocket at the same path."),
    ("projects", "What a project's file says: bring it up, take it down. Ports, and who has them."),
    ("hub", "Marks, news, clearing up, the daemon."),
    ("JSON-RPC", "All methods of the socket, as they are."),
    ("bridge", "The bridge itself."),
)

_TAG_OF = (
    ("processes", "processes"),
    ("prune", "processes"),
    ("adopt", "processes"),
    ("project", "projects"),
    ("ports", "projects"),
)
"""The tag of a path by its beginning."""

_ALWAYS: tuple[type[PersistprocError], ...] = (
    errors.InvalidParams,
    errors.ParseError,
    errors.InvalidRequest,
    errors.InternalError,
    errors.UnsafeHome,
    errors.VersionMismatch,
    errors.DaemonUnavailable,
    errors.ShuttingDown,
)

_STREAM_PARAMETERS = (
    ("text", {"type": "boolean"}, "One readable line for each event instead of JSON."),
    ("last_event_id", {"type": "string"}, "Go on after this event, as the header Last-Event-ID does."),
)


_CURSOR = {
    "name": "cursor",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "required": False,
    "description": "Where to begin instead; start: the current run's first byte.",
}


@cache
def openapi_document() -> Document:
    """The document of this version."""
    openrpc: Any = openrpc_document(__version__)
    methods = {method["name"]: method for method in openrpc["methods"]}
    paths: dict[str, Document] = {}
    for resource in RESOURCES:
        paths.setdefault(resource.path, {})[resource.verb.lower()] = _operation(resource, methods[resource.method])
    for stream in STREAMS:
        paths[stream.path] = {"get": _stream(stream, methods[stream.method])}
    paths["/rpc"] = {"post": rpc_operation()}
    paths["/health"] = {"get": health_operation()}
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "persistproc",
            "version": __version__,
            "summary": "Processes that people and agents share.",
            "description": "What does not come from a program of the same user is refused before anything else: the "
            "connection is reset, or the answer is 403 or 421 with an Error; 401 with plain text where a token is "
            "missing.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [{"name": name, "description": text} for name, text in _TAGS],
        "paths": paths,
        "components": {
            "schemas": {**openrpc["components"]["schemas"], **own_schemas()},
            "responses": {**{name: _failure(name, classes) for name, classes in _failures().items()}, **refusals()},
        },
    }


def statuses_of(method: str) -> dict[int, list[type[PersistprocError]]]:
    """With which statuses a method can fail, and the errors behind each."""
    found: dict[int, list[type[PersistprocError]]] = {}
    for cls in dict.fromkeys((*_ALWAYS, *METHODS[method].errors)):
        found.setdefault(STATUSES[cls], []).append(cls)
    return dict(sorted(found.items()))


def _operation(resource: Resource, method: Document) -> Document:
    tag = next((tag for word, tag in _TAG_OF if resource.path.startswith(f"/api/{word}")), "hub")
    operation = _head(f"{resource.verb.lower()}_{resource.method}", method, tag)
    named = re.findall(r"{(\w+)}", resource.path)
    given = [param for param in _common_last(method["params"]) if param["name"] not in (*resource.left_out, *named)]
    in_query = resource.verb not in WITH_BODY
    operation["parameters"] = [
        *(_path_parameter(param) for param in method["params"] if param["name"] in named),
        *(_query_parameter(param) for param in given if in_query),
    ]
    if not in_query:
        operation["requestBody"] = _body(given)
    reply = json_content(method["result"]["schema"])
    told = inspect.cleandoc(METHODS[resource.method].result.__doc__ or "").partition("\n\n")[0]
    operation["responses"] = {
        "200": {"description": told, **reply},
        **_refusals(resource.method),
        **({} if in_query else BODY_REFUSALS),
    }
    if resource.method == "start_process":
        operation["responses"]["200"]["description"] = "It ran already, and was joined."
        headers = {"Location": {"description": "The path of the process.", "schema": {"type": "string"}}}
        operation["responses"]["201"] = {"description": "It was started.", **reply, "headers": headers}
    return operation


def _common_last(params: list[Document]) -> list[Document]:
    common = fields(CallerParams)
    return sorted(params, key=lambda param: param["name"] in common)


def _stream(stream: Stream, method: Document) -> Document:
    operation = _head("stream_" + stream.path.removeprefix("/api/").replace("/{process}", "").replace("/", "_"), method)
    operation["summary"] = stream.summary
    operation["description"] = f"Method of the protocol: `{stream.method}`."
    parameters = [_process_parameter()] if "{process}" in stream.path else []
    for param in _common_last(method["params"]):
        if param["name"] == "processes":
            if "{process}" not in stream.path:
                named = {**param, "name": "process", "description": f"{param['description']} As often as one likes."}
                parameters.append(_query_parameter(named))
        elif param["name"] == "cursors" and "{process}" in stream.path:
            parameters.append(_query_parameter(_CURSOR))
        else:
            parameters.append(_query_parameter(param))
    for name, schema, text in _STREAM_PARAMETERS:
        parameters.append(_query_parameter({"name": name, "schema": schema, "required": False, "description": text}))
    operation["parameters"] = parameters
    operation["responses"] = {
        "200": {
            "description": "The stream. With a WebSocket handshake: 101, and one frame for each event.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        "204": {"description": "Everything that it named was removed: do not connect again."},
        **_refusals(stream.method),
    }
    return operation


def _head(operation_id: str, method: Document, tag: str = "streams") -> Document:
    return {
        "operationId": operation_id,
        "summary": method["summary"],
        "description": f"{method['description']}\n\nMethod of the protocol: `{method['name']}`.",
        "tags": [tag],
    }


def _path_parameter(param: Document) -> Document:
    if param["name"] == "process":
        return _process_parameter()
    return {**_query_parameter(param), "in": "path", "required": True}


def _process_parameter() -> Document:
    return {
        "name": "process",
        "in": "path",
        "required": True,
        "description": "Name, pid, or project/name, in which the slash is written %2F.",
        "schema": {"type": "string", "minLength": 1},
    }


def _query_parameter(param: Document) -> Document:
    schema = param["schema"]
    parameter = {"name": param["name"], "in": "query", "required": param["required"]}
    parameter["description"] = param["description"]
    if schema.get("type") == "object":
        # OpenAPI 3.1, "Parameter Object": content instead of schema is how a parameter is JSON.
        return {**parameter, "content": {"application/json": {"schema": schema}}}
    return {**parameter, "schema": schema}


def _body(given: list[Document]) -> Document:
    properties = {param["name"]: {**param["schema"], "description": param["description"]} for param in given}
    required = [param["name"] for param in given if param["required"]]
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    # Always there, be it {}: without JSON it is refused, for a page could send a POST.
    return {"required": True, **json_content(schema)}


def _refusals(method: str) -> Document:
    return {
        str(status): {"$ref": f"#/components/responses/{_response_name(classes)}"}
        for status, classes in statuses_of(method).items()
    }


def _response_name(classes: list[type[PersistprocError]]) -> str:
    return "_or_".join(cls.code for cls in classes)


def _failures() -> dict[str, list[type[PersistprocError]]]:
    names = [place.method for place in (*RESOURCES, *STREAMS)]
    return {_response_name(classes): classes for name in names for classes in statuses_of(name).values()}


def _failure(name: str, classes: list[type[PersistprocError]]) -> Document:
    told = " ".join(f"`{cls.code}`: {_first_sentence(cls)}" for cls in classes)
    return {"description": told, **json_content({"$ref": "#/components/schemas/Error"})}


def _first_sentence(cls: type[PersistprocError]) -> str:
    return " ".join((cls.__doc__ or "").split()).split(". ")[0].rstrip(".").replace("``", "`") + "."
