"""The readable reference page, made from the OpenAPI document. Static: no script, and nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from html import escape
from typing import Any

from .openapi import openapi_document
from .words import type_in_words

__all__ = ["frame", "marked_up", "reference_page"]

_HEAD = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/docs.css">
</head>
<body>
"""

_INTRODUCTION = """\
<h1>persistproc HTTP API</h1>
<p class="quiet">Version {version}. The same as a document: <a href="/openapi.json">/openapi.json</a>.</p>
<p>A GET takes its parameters in the query: a list is a name given several times. A POST takes them in a JSON object,
with <code>Content-Type: application/json</code>. What is not known is refused, with the nearest name.</p>
<p><code>working_directory</code> is the directory that names are looked up in; without it the caller's own is taken,
where that can be told.</p>
<p>An error is <code>{{"error": {{"code", "message", "hint", ...}}}}</code> with a fitting status. Tell errors apart by
<code>code</code>.</p>
"""


@cache
def reference_page() -> str:
    """The page."""
    document = openapi_document()
    introduction = _INTRODUCTION.format(version=escape(document["info"]["version"]))
    sections = [_section(tag, _operations(document, tag["name"])) for tag in document["tags"]]
    types = [_type(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]
    body = [
        '<div class="page">\n',
        _navigation(document),
        "<main>\n",
        introduction,
        *sections,
        '<h2 id="types">Types</h2>\n',
        *types,
        "</main>\n</div>\n",
    ]
    return frame("persistproc HTTP API", "".join(body))


def frame(title: str, body: str) -> str:
    """A whole page around its body."""
    return _HEAD.format(title=escape(title)) + body + "</body>\n</html>\n"


def marked_up(text: str) -> str:
    """Text with `code` in backquotes, as HTML."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def _operations(document: Any, tag: str) -> list[tuple[str, str, Any]]:
    return [
        (verb, path, operation)
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
        if tag in operation["tags"]
    ]


def _navigation(document: Any) -> str:
    parts = ["<nav>\n<a href='/'>persistproc</a>\n"]
    for tag in document["tags"]:
        parts.append(f"<h2>{escape(tag['name'])}</h2>\n<ul>\n")
        for verb, path, operation in _operations(document, tag["name"]):
            shown = escape(path.removeprefix("/api"))
            parts.append(f'<li>{_verb(verb)}<a href="#{operation["operationId"]}">{shown}</a></li>\n')
        parts.append("</ul>\n")
    parts.append('<h2><a href="#types">Types</a></h2>\n</nav>\n')
    return "".join(parts)


def _section(tag: Any, operations: list[tuple[str, str, Any]]) -> str:
    name = tag["name"]
    title = name.capitalize() if name.islower() else name
    head = f'<h2 id="{_anchor(name)}">{escape(title)}</h2>\n<p>{marked_up(tag["description"])}</p>\n'
    return head + "".join(_operation(*each) for each in operations)


def _operation(verb: str, path: str, operation: Any) -> str:
    parts = [f'<section class="operation" id="{operation["operationId"]}">\n']
    parts.append(f'<h3>{_verb(verb)}<span class="path">{escape(path)}</span></h3>\n')
    parts.append(f"<p>{marked_up(operation['summary'])}</p>\n")
    rest = [text for text in operation["description"].split("\n\n") if text and text != operation["summary"]]
    parts += [f'<p class="quiet">{marked_up(text)}</p>\n' for text in rest]
    parts.append(_table("parameter", _parameters(operation)))
    parts.append(_replies(operation))
    return "".join([*parts, "</section>\n"])


def _parameters(operation: Any) -> list[tuple[str, Any, str, bool]]:
    found = [
        (param["name"], _schema_of(param), param["description"], param["required"])
        for param in operation.get("parameters", [])
    ]
    body = operation.get("requestBody")
    if body is None:
        return found
    schema = body["content"]["application/json"]["schema"]
    if "properties" not in schema:
        return [("(the body)", schema, "", True)]
    for name, inner in schema["properties"].items():
        found.append((name, inner, inner["description"], name in schema["required"]))
    return found


def _schema_of(param: Any) -> Any:
    return param["schema"] if "schema" in param else param["content"]["application/json"]["schema"]


def _table(first: str, rows: Iterable[tuple[str, Any, str, bool]]) -> str:
    lines = [
        f"<tr><td><code>{escape(name)}</code>{' <span class=must>required</span>' if must else ''}</td>"
        f"<td>{type_in_words(schema)}</td><td>{marked_up(text)}</td></tr>\n"
        for name, schema, text, must in rows
    ]
    if not lines:
        return ""
    head = f"<tr><th>{first}</th><th>type</th><th>meaning</th></tr>\n"
    return f'<div class="scroll"><table>\n{head}{"".join(lines)}</table></div>\n'


def _replies(operation: Any) -> str:
    good, bad = [], []
    for status, reply in operation["responses"].items():
        if "$ref" in reply:
            codes = reply["$ref"].rpartition("/")[2].split("_or_")
            bad.append(f"<code>{status}</code> {', '.join(f'<code>{code}</code>' for code in codes)}")
        else:
            content = next(iter(reply.get("content", {}).items()), None)
            shown = "" if content is None else _content(*content)
            good.append(f"<p><code>{status}</code> {marked_up(reply['description'])}{shown}</p>\n")
    errors = f"<details><summary>Errors</summary><p>{'<br>'.join(bad)}</p></details>\n" if bad else ""
    return "".join(good) + errors


def _content(kind: str, content: Any) -> str:
    if kind == "application/json":
        return f" {type_in_words(content['schema'])}"
    return f" <code>{escape(kind)}</code>"


def _type(name: str, schema: Any) -> str:
    parts = [f'<section class="operation" id="type-{escape(name)}">\n<h3>{escape(name)}</h3>\n']
    parts.append(f"<p>{marked_up(schema.get('description', ''))}</p>\n")
    properties = schema.get("properties", {})
    rows = []
    for field, inner in properties.items():
        # A reference has its description beside it, in an allOf of one.
        rows.append((field, inner["allOf"][0] if "allOf" in inner else inner, inner.get("description", ""), False))
    parts.append(_table("field", rows))
    optional = [f"<code>{field}</code>" for field in properties if field not in schema.get("required", [])]
    if optional:
        parts.append(f'<p class="quiet">Not always there: {", ".join(optional)}.</p>\n')
    return "".join([*parts, "</section>\n"])


def _verb(verb: str) -> str:
    return f'<span class="verb {verb}">{verb.upper()}</span> '


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")
