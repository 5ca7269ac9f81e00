"""Schemathesis on the OpenAPI document: whatever is sent, no server error, and each answer is as described.

What it may send is narrowed before, for it must not run commands of its own making: `command` is one of two that do no
harm, no URL leads anywhere, and what waits does so for a moment. Wrong values are not tried where a command could be
one of them.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.bridge.api.client import Api
from tests.kit.bridge import Bridge

CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
EXAMPLES = 200 if os.environ.get("TESTS_FULL") == "1" else 10
HARMLESS: dict[str, list[object]] = {
    "command": ["true", "sleep 300"],
    "url": ["http://127.0.0.1:1/"],
    "process": ["web", "done", "nobody"],
    "method": ["list_processes", "get_process_status", "watch_processes", "nothing"],
}
SECONDS = ("timeout_seconds", "grace_seconds", "wait_seconds", "idle_seconds")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_no_server_error_and_answers_as_described(bridge: Bridge, tmp_path: Path, mode: str) -> None:
    project = tmp_path / "shop"
    project.mkdir()
    api = Api(bridge, project)
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(narrowed(api.get("/openapi.json").json, mode)), "utf-8")
    api.post("/api/processes", command="sleep 300", name="web")
    api.post("/api/processes", command="true", name="done")
    try:
        done = subprocess.run(
            [*command(bridge, project), "--mode", mode, str(document)],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            timeout=500,
        )
    finally:
        bridge.forget_processes()
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5000:]


def command(bridge: Bridge, project: Path) -> list[str]:
    """The argument list of a run, but for the document."""
    options = {
        "url": bridge.url,
        "checks": ",".join(CHECKS),
        "phases": "examples,coverage,fuzzing",
        "max-examples": EXAMPLES,
        "header": f"Persistproc-Directory: {quote(str(project))}",
        "request-timeout": 15,
        "warnings": "off",
        "output-truncate": "false",
        "suppress-health-check": "all",
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "schemathesis.cli", "run", "--no-shrink", "--continue-on-failure", *given]


def narrowed(document: dict[str, Any], mode: str) -> dict[str, Any]:
    """The document with values that do no harm; without the streams, which are never over."""
    narrow = copy.deepcopy(document)
    paths: dict[str, Any] = narrow["paths"]
    for path in [path for path in paths if path.endswith("/stream") or path == "/api/events"]:
        del paths[path]
    if mode == "negative":
        del paths["/rpc"]
        del paths["/api/processes"]["post"]
    # A new environment would be given to the harmless command: LD_PRELOAD is one.
    for path, verb in [("/api/processes", "post"), ("/api/processes/{process}/restart", "post")]:
        if verb in paths[path]:
            properties = _body_of(paths[path][verb])["properties"]
            properties.pop("environment", None)
            properties.pop("working_directory", None)
    for holder, name, schema in _parameters(paths):
        if name in HARMLESS:
            holder[name if "schema" not in holder else "schema"] = {"enum": HARMLESS[name]}
        elif name in SECONDS:
            schema["maximum"] = 0.2
    if mode == "positive":
        # Without it a wait takes a minute, and the request ends before.
        _body_of(paths["/api/processes/{process}/wait"]["post"])["required"].append("timeout_seconds")
    return narrow


def _body_of(operation: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
    return schema


def _parameters(value: object) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """Each place that says what a parameter is: who holds it, its name, its schema."""
    if isinstance(value, list):
        for inner in value:
            yield from _parameters(inner)
    if not isinstance(value, dict):
        return
    if "schema" in value and "name" in value:
        yield value, value["name"], value["schema"]
    for name, schema in value.get("properties", {}).items() if isinstance(value.get("properties"), dict) else ():
        yield value["properties"], name, schema
    for key, inner in list(value.items()):
        if key != "responses":
            yield from _parameters(inner)
