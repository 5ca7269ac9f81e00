"""What clients list, and models pay for with every request."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from persistproc_mcp.tools.declared import TOOLS
from persistproc_mcp.tools.instructions import INSTRUCTIONS
from tests.benchmarks.tokens import definitions


def test_the_order_never_changes() -> None:
    assert list(TOOLS) == [
        "start_process",
        "stop_process",
        "restart_process",
        "list_processes",
        "get_process_status",
        "get_process_output",
        "wait_for_process",
        "send_process_input",
        "start_project",
        "stop_project",
        "get_project",
    ]


def test_the_definitions_are_short() -> None:
    # 1,282 tokens (python -m tests.benchmarks.tokens): 4.5 bytes each. 1,300 are the most.
    assert sum(len(text) for text in definitions().values()) < 5780


def test_annotations_are_honest() -> None:
    told = {
        tool.name: "".join(
            letter
            for letter, value in zip(
                "rdio", (tool.read_only, tool.destructive, tool.idempotent, tool.open_world), strict=True
            )
            if value
        )
        for tool in TOOLS.values()
    }
    assert told == {
        "start_process": "do",
        "stop_process": "di",
        "restart_process": "",
        "list_processes": "ri",
        "get_process_status": "ri",
        "get_process_output": "ri",
        "wait_for_process": "rio",
        "send_process_input": "do",
        "start_project": "dio",
        "stop_project": "di",
        "get_project": "ri",
    }


@pytest.mark.parametrize("name", TOOLS)
def test_every_client_understands_the_schema(name: str) -> None:
    schema = TOOLS[name].input_schema
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    keywords = set(_keywords(schema))
    # Unions, null and references are what some clients' models do not take.
    assert keywords <= {
        "type", "properties", "required", "additionalProperties", "description", "enum", "maximum", "items"
    }  # fmt: skip
    assert json.loads(json.dumps(schema)) == schema


def _keywords(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema
        assert isinstance(schema.get("type", "string"), str)
        properties = schema.get("properties")
        for each in (properties or {}).values():
            yield from _keywords(each)


def test_the_instructions_begin_with_what_matters() -> None:
    assert len(INSTRUCTIONS) < 4096
    beginning = INSTRUCTIONS[:200]
    for word in ("dev servers", "share", "list_processes", "start_process"):
        assert word in beginning, word
    for name in TOOLS:
        if name not in ("stop_process", "restart_process", "get_process_status", "stop_project"):
            assert name in INSTRUCTIONS
