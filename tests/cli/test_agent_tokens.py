"""A token goes into the configuration of its user, and nowhere else."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistproc_cli.agents.table import AGENTS
from persistproc_core.paths import HOME_VARIABLE, Home
from tests.cli.agents import URL, Machine, commented, machine
from tests.kit import Guard
from tests.kit.bridge import Bridge
from tests.kit.guard import TEST_VARIABLE

__all__ = ["machine"]

TOKEN = "c0ffee" * 6


@pytest.fixture(scope="module")
def asking() -> Iterator[Bridge]:
    """A bridge that asks for a token, for all tests here."""
    guard = Guard()
    bridge = Bridge(guard, guard.new_home(), {TEST_VARIABLE: guard.token})
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv(HOME_VARIABLE, raising=False)
            bridge.start("--token")
        yield bridge
        bridge.tear_down()
    finally:
        guard.clean_up()


@pytest.fixture
def served(asking: Bridge, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Bridge:
    """The machine's home is the one of that bridge."""
    monkeypatch.setenv(HOME_VARIABLE, asking.home.path)
    _write(asking.home, TOKEN)
    return asking


def _write(home: Home, token: str) -> None:
    home.ensure()
    Path(home.token).write_text(f"{token}\n", "ascii")


@pytest.mark.usefixtures("served")
def test_it_stands_in_the_users_file_alone(machine: Machine) -> None:
    machine.program("claude", "touch $HOME/claude-was-run")
    for name in [name for name in AGENTS if AGENTS[name].http]:
        path = machine.configuration_of(name, commented(name))
        path.chmod(0o644)
        machine("install", name)
        assert TOKEN not in machine.said + machine.noted
        assert "only you may read it" in machine.noted
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert f"Bearer {TOKEN}" in path.read_text("utf-8")
        machine("uninstall", name)
        assert path.read_text("utf-8") == commented(name)
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
    machine("install", "claude-code")
    assert not machine.file("claude-was-run").exists(), "everybody can read a command line"


@pytest.mark.usefixtures("served")
def test_a_project_names_the_variable(machine: Machine) -> None:
    for name, header in [
        ("claude-code", '"Authorization": "Bearer ${PERSISTPROC_TOKEN}"'),
        ("codex", 'bearer_token_env_var = "PERSISTPROC_TOKEN"'),
        ("opencode", '"Authorization": "Bearer {env:PERSISTPROC_TOKEN}"'),
        ("cursor", '"Authorization": "Bearer ${env:PERSISTPROC_TOKEN}"'),
    ]:
        path = Path(str(machine.json("install", name, "--project")[0]["file"]))
        assert header in path.read_text("utf-8")
        assert TOKEN not in path.read_text("utf-8")
        assert stat.S_IMODE(path.stat().st_mode) & 0o400


@pytest.mark.usefixtures("served")
def test_the_relay_needs_none(machine: Machine) -> None:
    path = Path(str(machine.json("install", "cursor", "--stdio")[0]["file"]))
    assert TOKEN not in path.read_text("utf-8")


def test_it_is_not_told_to_who_reads_along(machine: Machine, served: Bridge) -> None:
    outcome = machine.json("install", "codex")[0]
    assert outcome["entry"] == {"url": served.mcp_url, "http_headers": {"Authorization": "Bearer ..."}}
    assert TOKEN not in machine("list")


def test_a_new_token_takes_the_place_of_the_old(machine: Machine, served: Bridge) -> None:
    machine("install", "cursor")
    _write(served.home, "fresh")
    assert "changed" in machine("install", "cursor")
    assert "Bearer fresh" in machine.file(".cursor/mcp.json").read_text("utf-8")


def test_what_is_printed_names_its_file(machine: Machine, served: Bridge) -> None:
    told = f"<TOKEN> stands for the token in {served.home.token}"
    for name in [name for name in AGENTS if AGENTS[name].http]:
        said = machine("install", name, "--print")
        assert "Bearer <TOKEN>" in said
        assert f"# {told}\n" in said
        outcome = machine.json("install", name, "--print")[0]
        assert "Bearer <TOKEN>" in str(outcome["text"])
        assert "Bearer <TOKEN>" in json.dumps(outcome["entry"])
        assert told in str(outcome["notes"])
        assert TOKEN not in said + machine.said + machine.noted


@pytest.mark.parametrize("old", [TOKEN, "abc", 'quo"te\\d' * 3], ids=["long", "short", "quoted"])
@pytest.mark.parametrize("name", ["cursor", "codex", "goose"])
def test_an_old_one_is_not_printed_either(machine: Machine, served: Bridge, name: str, old: str) -> None:
    _write(served.home, old)
    path = machine.configuration_of(name, "")
    machine("install", name)
    _write(served.home, f"new{TOKEN}")
    written = json.dumps(old)[1:-1]
    for words in (["install", name, "--print"], ["uninstall", name, "--print"]):
        said = machine(*words)
        for line in (machine(*words, "--json") + said).splitlines():
            assert f"Bearer {old}" not in line
            assert f"Bearer {written}" not in line
            assert TOKEN not in line
        if "would delete" not in said:
            assert "Bearer <OLD-TOKEN>" in said
            assert f"# <OLD-TOKEN> stands for the token that is in {path} now\n" in said


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every bridge asks for the token")
def test_one_left_over_is_not_written(machine: Machine, home: Home) -> None:
    """Of a former ``serve --token``: nothing asks for it."""
    _write(home, TOKEN)
    assert f"added {URL}" in machine("install", "cursor")
    assert f"the token in {home.token} is not written" in machine.noted
    assert TOKEN not in machine.file(".cursor/mcp.json").read_text("utf-8")
    Path(home.token).unlink()
    machine("install", "cursor")
    assert "token" not in machine.noted


def test_an_entry_of_a_former_port_is_flagged(machine: Machine, served: Bridge) -> None:
    machine("install", "codex")
    machine.file(".cursor/mcp.json", f'{{"mcpServers": {{"persistproc": {{"url": "{URL}"}}}}}}')
    machine("install", "jetbrains")
    rows = {str(row["agent"]): row["configured"] for row in machine.json("list")}
    told = {name: [entry["served"] for entry in entries] for name, entries in rows.items() if isinstance(entries, list)}
    assert {name: flags for name, flags in told.items() if flags} == {
        "codex": [True],
        "cursor": [False],
        "jetbrains": [None],
    }
    assert machine("list").count("(not served)") == 1
    assert machine.noted == (
        f"persistproc: the bridge serves {served.mcp_url} now; run: persistproc agent install cursor\n"
    )
    machine("install", "cursor")
    machine("list")
    assert machine.noted == ""
