"""The official conformance suite against the bridge, for the newest revision of MCP and the one before.

The suite's fixtures are put around the endpoint's own handlers (`tests.agents.fixtures`): most scenarios call tools of
fixed names. Sockets, guard, endpoint and the SDK are the real ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents import node
from tests.agents.not_applicable import NOT_APPLICABLE
from tests.kit import Guard, read_line
from tests.kit.daemon import environment
from tests.kit.guard import TEST_VARIABLE

_LEAST = {"2026-07-28": 28, "2025-11-25": 22}
"""Scenarios that pass at least: a suite that finds nothing to do must not look like one that passes."""


@pytest.fixture
def url(guard: Guard) -> Iterator[str]:
    """A bridge with the suite's fixtures."""
    home = guard.new_home()
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.agents.conformance_server", "--home", home.path, "--port", "0", "--json"],
        env=environment(home, **{TEST_VARIABLE: guard.token}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        bufsize=0,
    )
    try:
        assert server.stdout is not None
        about = json.loads(read_line(server.stdout, 30))
        yield f"{about['url']}/mcp/"
    finally:
        server.terminate()
        server.communicate(timeout=10)
        guard.kill(home)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("revision", sorted(NOT_APPLICABLE))
def test_conformance(url: str, revision: str, node_modules: Path, tmp_path: Path) -> None:
    done = node.run(
        *("conformance", "server", "--url", url, "--requirements", revision, "-o", str(tmp_path)), within=150
    )
    failed, passed = _results(tmp_path)
    assert failed.keys() == NOT_APPLICABLE[revision].keys(), f"{failed}\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
    assert len(passed) >= _LEAST[revision], passed


def _results(folder: Path) -> tuple[dict[str, list[str]], list[str]]:
    """Failed checks by scenario, and the scenarios that passed with at least one check."""
    failed: dict[str, list[str]] = {}
    passed: list[str] = []
    for name in sorted(os.listdir(folder)):
        # server-NAME-2026-11-22T23-46-51-759Z
        scenario = name.removeprefix("server-").rsplit("-", 6)[0]
        checks = json.loads((folder / name / "checks.json").read_text("utf-8"))
        wrong = [f"{check['id']}: {check.get('errorMessage')}" for check in checks if check["status"] == "FAILURE"]
        if wrong:
            failed[scenario] = wrong
        elif any(check["status"] == "SUCCESS" for check in checks):
            passed.append(scenario)
    return failed, passed
