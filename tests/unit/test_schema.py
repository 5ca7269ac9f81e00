"""The OpenRPC document and the schemas in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from persistproc_core import errors, protocol
from persistproc_core.protocol import METHODS, NOTIFICATIONS
from persistproc_core.schema import json_schema, openrpc_document

DOCUMENT: Any = openrpc_document("1.2.3")


def objects(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner)


def test_the_frame() -> None:
    assert DOCUMENT["openrpc"].startswith("1.3.")
    assert DOCUMENT["info"]["title"] == "persistproc"
    assert DOCUMENT["info"]["version"] == "1.2.3"
    assert [method["name"] for method in DOCUMENT["methods"]] == list(METHODS)
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT


@pytest.mark.parametrize("method", DOCUMENT["methods"], ids=lambda method: method["name"])
def test_a_method(method: Any) -> None:
    assert method["paramStructure"] == "by-name"
    assert method["summary"]
    required = [param["required"] for param in method["params"]]
    assert required == sorted(required, reverse=True), "required ones come first"
    for param in method["params"]:
        assert param["description"]
        jsonschema.Draft7Validator.check_schema(param["schema"])
    jsonschema.Draft7Validator.check_schema(method["result"]["schema"])
    assert {"$ref": "#/components/errors/invalid_params"} in method["errors"]


def test_every_reference_leads_somewhere() -> None:
    found = [part["$ref"] for part in objects(DOCUMENT) if "$ref" in part]
    assert found
    for reference in found:
        place = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place


def test_errors_carry_their_stable_code() -> None:
    described = DOCUMENT["components"]["errors"]
    assert set(described) == {cls.code for cls in errors.error_classes()}
    assert described["process_not_found"]["code"] == 1
    assert described["process_not_found"]["data"] == {"error": "process_not_found"}
    assert described["process_not_found"]["message"]


def test_every_shared_schema_is_one() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft7Validator.check_schema(schema)
        assert schema["description"]


def test_limits_and_the_hello_are_told() -> None:
    assert DOCUMENT["x-protocol-version"] == protocol.PROTOCOL_VERSION
    assert DOCUMENT["x-limits"]["batch"]["value"] == protocol.MAX_BATCH
    notifications = DOCUMENT["x-notifications"]
    assert isinstance(notifications, list)
    assert [notification["name"] for notification in notifications] == list(NOTIFICATIONS)
    assert notifications[0]["params"] == {"$ref": "#/components/schemas/Hello"}


def test_parameters_admit_no_other_and_results_do() -> None:
    assert json_schema(protocol.StartProcessParams)["additionalProperties"] is False
    assert "additionalProperties" not in DOCUMENT["components"]["schemas"]["ProcessInfo"]


def test_a_schema_is_complete_in_itself() -> None:
    schema: Any = json_schema(protocol.StartReply)
    assert not [part for part in objects(schema) if "$ref" in part]
    assert schema["properties"]["pid"]["type"] == ["integer", "null"]
    assert schema["properties"]["state"]["enum"][0] == "starting"
    assert schema["properties"]["started_by"]["required"] == ["name"]
