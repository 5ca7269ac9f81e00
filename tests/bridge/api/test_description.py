"""The OpenAPI document and the pages that are made from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest

from persistproc_core.client.wire import SUBSCRIBES
from persistproc_core.protocol import METHODS
from persistproc_mcp.api.openapi import openapi_document
from persistproc_mcp.api.page import reference_page
from persistproc_mcp.api.resources import RESOURCES, STREAMS

DOCUMENT = openapi_document()
OPERATIONS = [(verb, path) for path, verbs in DOCUMENT["paths"].items() for verb in verbs]
# By /rpc alone: the end of the daemon, and what needs a process of the caller that lives on.
WITHOUT_RESOURCE = {"shutdown_daemon", "replace_daemon", "capture_process", "cancel_subscription", "rpc.discover"}


def objects(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner)


def test_every_method_has_a_resource() -> None:
    assert {resource.method for resource in RESOURCES} | WITHOUT_RESOURCE == METHODS.keys() - SUBSCRIBES | {
        "cancel_subscription"
    }
    assert {stream.method for stream in STREAMS} == SUBSCRIBES - {"cancel_subscription"}


def test_every_reference_leads_somewhere() -> None:
    found = {part["$ref"] for part in objects(DOCUMENT) if isinstance(part.get("$ref"), str)}
    assert found
    for reference in found:
        place: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place


@pytest.mark.parametrize(("verb", "path"), OPERATIONS)
def test_an_operation_is_complete(verb: str, path: str) -> None:
    operation = DOCUMENT["paths"][path][verb]
    assert operation["summary"].endswith(".")
    assert all(param["description"] for param in operation.get("parameters", []))
    named = set(re.findall(r"{(\w+)}", path))
    assert {param["name"] for param in operation.get("parameters", []) if param["in"] == "path"} == named
    assert any(status.startswith("2") for status in operation["responses"])
    for part in objects(operation):
        if "schema" in part:
            jsonschema.Draft202012Validator.check_schema(part["schema"])


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for verbs in DOCUMENT["paths"].values() for operation in verbs.values()]
    assert len(ids) == len(set(ids))


class Links(HTMLParser):
    """Collects what a page defines, and what it leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: set[str] = set()
        self.loaded: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids += [values["id"]] if "id" in values else []
        if tag == "a":
            self.targets.add(values["href"])
        if tag in ("link", "img", "script", "iframe"):
            self.loaded.add(values.get("href", values.get("src", "")))
        assert "style" not in values
        assert not any(name.startswith("on") for name in values), "the page has no scripts"
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_tells_everything_and_loads_nothing_else() -> None:
    page = Links()
    page.feed(reference_page())
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert page.loaded == {"/docs.css"}
    inside = {target.removeprefix("#") for target in page.targets if target.startswith("#")}
    assert inside <= set(page.ids), inside - set(page.ids)
    assert {operation["operationId"] for verbs in DOCUMENT["paths"].values() for operation in verbs.values()} <= inside
