"""``rpc.discover``: a valid OpenRPC document that tells the truth."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from persistproc_core import protocol
from tests.kit import Daemon


@pytest.fixture
def document(shared_daemon: Daemon) -> dict[str, Any]:
    """The document of a running daemon."""
    with shared_daemon.connect() as connection:
        found: dict[str, Any] = connection.call("rpc.discover")
        return found


def references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    if isinstance(value, list):
        return set().union(*map(references, value))
    return set()


def schema(document: dict[str, Any], method: str) -> dict[str, Any]:
    """The schema of a result, with the shared schemas beside it so that its references resolve."""
    (found,) = (each for each in document["methods"] if each["name"] == method)
    return {**found["result"]["schema"], "components": document.get("components", {})}


def test_the_document_has_what_openrpc_asks_for(document: dict[str, Any]) -> None:
    assert document["openrpc"].startswith("1.")
    assert document["info"]["title"]
    assert document["info"]["version"]
    names = [method["name"] for method in document["methods"]]
    assert len(names) == len(set(names))
    assert set(names) | {"rpc.discover"} == set(protocol.METHODS)
    for method in document["methods"]:
        assert method["summary"]
        assert method.get("paramStructure", "by-name") == "by-name"
        assert {"name", "schema"} <= set(method["result"])
        required = [parameter.get("required", False) for parameter in method["params"]]
        # OpenRPC 1.3, Method Object: required parameters come before optional ones.
        assert required == sorted(required, reverse=True), method["name"]
        for parameter in method["params"]:
            jsonschema.Draft7Validator.check_schema(parameter["schema"])
        for error in method.get("errors", []):
            assert set(error) >= {"code", "message"} or "$ref" in error


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in references(document):
        place: Any = document
        assert reference.startswith("#/")
        for part in reference[2:].split("/"):
            assert part in place, reference
            place = place[part]


def test_results_are_what_the_document_says(document: dict[str, Any], daemon: Daemon) -> None:
    with daemon.connect() as connection:
        start = {"command": ["sleep", "1000"], "name": "s", "working_directory": daemon.home.path}
        for method, params in (
            ("start_process", start),
            ("get_daemon_status", {}),
            ("list_processes", {}),
            ("get_process_status", {"process": "s"}),
            ("get_process_output", {"process": "s"}),
            ("get_process_log_paths", {"process": "s"}),
            ("send_process_input", {"process": "s", "input": "x"}),
            ("signal_process", {"process": "s", "signal": "SIGCONT"}),
            ("restart_process", {"process": "s"}),
            ("stop_process", {"process": "s"}),
            ("remove_process", {"process": "s"}),
        ):
            result = connection.call(method, **params)
            jsonschema.validate(result, schema(document, method))
