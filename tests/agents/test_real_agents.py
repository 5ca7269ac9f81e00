"""Real agents, as npm brings them: what ``agent install`` writes makes each of them report that it is connected.

Only commands that need no account are run.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.kit.bridge import Bridge
from tests.kit.daemon import environment

SECONDS = 60.0
LISTS = {
    "claude-code": r"persistproc: .* ✔ Connected",
    "gemini": r"✓ persistproc: .* - Connected",
    "opencode": r"✓ persistproc .*connected",
}


class Desk:
    """A home directory and a project of somebody who has these agents."""

    def __init__(self, folder: Path, bridge: Bridge, node_modules: Path) -> None:
        self.home = folder / "ana"
        self.project = folder / "shop"
        programs = folder / "bin"
        for path in (self.home, self.project / ".git", programs):
            path.mkdir(parents=True)
        variables = environment(
            bridge.home,
            HOME=str(self.home),
            PATH=f"{programs}:{node_modules / '.bin'}:{os.environ['PATH']}",
            # Where it does not know the folder, Gemini switches off every server.
            GEMINI_CLI_TRUST_WORKSPACE="true",
            DISABLE_AUTOUPDATER="1",
            OPENCODE_DISABLE_AUTOUPDATE="1",
            NO_COLOR="1",
        )
        self.variables = {name: value for name, value in variables.items() if not name.startswith("XDG_")}
        # Where persistproc is not installed, the relay is found by this.
        script = programs / "persistproc"
        sources = shlex.quote(variables.get("PYTHONPATH", ""))
        script.write_text(f'#!/bin/sh\nPYTHONPATH={sources} exec {sys.executable} -m persistproc_cli "$@"\n', "utf-8")
        script.chmod(0o755)

    def run(self, *command: str) -> str:
        """What a program says; it must succeed."""
        done = subprocess.run(
            command,
            cwd=self.project,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stdout
        return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)

    def agent(self, *words: str) -> str:
        """Run ``persistproc agent ...``."""
        return self.run(sys.executable, "-m", "persistproc_cli", "agent", *words)


@pytest.fixture
def desk(tmp_path: Path, bridge: Bridge, node_modules: Path) -> Desk:
    return Desk(tmp_path, bridge, node_modules)


def listed(desk: Desk, name: str) -> str:
    program = {"claude-code": "claude"}.get(name, name)
    return desk.run(program, "mcp", "list")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", list(LISTS))
def test_it_is_connected_either_way(desk: Desk, bridge: Bridge, name: str) -> None:
    assert f"added {bridge.mcp_url}" in desk.agent("install", name)
    assert re.search(LISTS[name], listed(desk, name))
    assert "already configured" in desk.agent("install", name)
    assert "is now" in desk.agent("install", name, "--stdio")
    said = listed(desk, name)
    assert re.search(LISTS[name], said), said
    assert bridge.mcp_url not in said
    desk.agent("uninstall", name)
    assert "persistproc" not in listed(desk, name)


@pytest.mark.parametrize("name", ["claude-code", "codex", "gemini"])
def test_its_own_command_and_our_edit_lead_to_the_same(desk: Desk, name: str) -> None:
    assert "(by " in desk.agent("install", name)
    by_itself = configured(desk, name)
    desk.agent("uninstall", name)
    programs = desk.variables["PATH"]
    desk.variables["PATH"] = "/usr/bin:/bin"
    assert "(by " not in desk.agent("install", name)
    desk.variables["PATH"] = programs
    assert configured(desk, name) == by_itself


def configured(desk: Desk, name: str) -> str:
    row = next(line for line in desk.agent("list").splitlines() if line.startswith(name))
    return " ".join(row.split())


@pytest.mark.timeout(120)
def test_codex_lists_it_at_once(desk: Desk, bridge: Bridge) -> None:
    """Codex asks the URL whether it wants a login; a bridge that left that request open would cost it five seconds."""
    desk.agent("install", "codex")
    times = []
    for _ in range(3):
        start = time.monotonic()
        said = desk.run("codex", "mcp", "list")
        times.append(time.monotonic() - start)
        assert re.search(rf"persistproc +{re.escape(bridge.mcp_url)} .*enabled +Unsupported", said), said
    assert min(times) < 1.0, times
    desk.agent("install", "codex", "--stdio")
    assert re.search(r"persistproc .* mcp .*enabled", desk.run("codex", "mcp", "list"))


@pytest.mark.parametrize("name", ["codex", "opencode"])
def test_the_projects_file_is_read(desk: Desk, bridge: Bridge, name: str) -> None:
    desk.agent("install", name, "--project")
    if name == "codex":
        trusted = f'[projects."{desk.project}"]\ntrust_level = "trusted"\n'
        folder = desk.home / ".codex"
        folder.mkdir()
        (folder / "config.toml").write_text(trusted, "utf-8")
    assert bridge.mcp_url in listed(desk, name)


def test_claude_asks_before_it_uses_a_projects_file(desk: Desk) -> None:
    desk.agent("install", "claude-code", "--project")
    assert re.search(r"persistproc: .* Pending approval", listed(desk, "claude-code"))
