"""The command line of the official Inspector drives every tool, over HTTP and over stdio."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents import node
from tests.agents.tour import check, steps
from tests.kit.bridge import Bridge

pytestmark = [pytest.mark.timeout(120)]


class Inspector:
    """``inspector --cli`` against one bridge."""

    def __init__(self, bridge: Bridge, transport: str, directory: Path) -> None:
        self._directory = directory
        self._target = ["--transport", "http", bridge.mcp_url]
        if transport == "stdio":
            # It hands on no variables that it was not told of.
            ours = bridge.environment().items() - os.environ.items()
            variables = [word for name, value in ours for word in ("-e", f"{name}={value}")]
            self._target = [*variables, sys.executable, "-m", "persistproc_cli", "mcp", "--no-port"]

    def ask(self, method: str, *options: str, exit_code: int = 0) -> Any:
        """What it prints as JSON; 5 is its exit code for a tool's answer that is an error."""
        done = node.run(
            *("inspector", "--cli", *self._target, "--method", method, "--format", "json", *options),
            within=30,
            directory=self._directory,
        )
        assert done.returncode == exit_code, f"{method} {options}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)


@pytest.fixture(params=["http", "stdio"])
def inspector(
    request: pytest.FixtureRequest, bridge: Bridge, tmp_path: Path, node_modules: Path
) -> Iterator[Inspector]:
    yield Inspector(bridge, request.param, tmp_path)
    with bridge.client(tmp_path) as client:
        for process in client.list_processes()["processes"]:
            client.stop_process(process=process["name"], grace_seconds=0)


def test_every_tool(inspector: Inspector, tmp_path: Path) -> None:
    for step in steps(tmp_path, "inspected"):
        options = ("--tool-name", step.tool, "--tool-args-json", json.dumps(step.arguments))
        result = inspector.ask("tools/call", *options, exit_code=5 if step.refused else 0)
        result = result.get("result", result)
        check(step, result["content"][0]["text"], result.get("isError", False))


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_what_is_offered(inspector: Inspector, era: str) -> None:
    # --strict: schemas that some client could not read are an error.
    listed = inspector.ask("tools/list", "--protocol-era", era, "--strict")
    assert len(listed.get("result", listed)["tools"]) == 11
    resources = inspector.ask("resources/list", "--protocol-era", era)
    assert resources.get("result", resources)["resources"][0]["uri"] == "persistproc://processes"
    prompts = inspector.ask("prompts/list", "--protocol-era", era)
    assert len(prompts.get("result", prompts)["prompts"]) == 2
