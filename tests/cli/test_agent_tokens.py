"""A token goes into the configuration of its user, and nowhere else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from persistproc_cli.agents.table import AGENTS
from persistproc_core.paths import Home
from tests.cli.agents import URL, Machine, commented, machine

__all__ = ["machine"]

TOKEN = "c0ffee" * 6


@pytest.fixture(autouse=True)
def _token(home: Home) -> None:
    home.ensure()
    Path(home.token).write_text(f"{TOKEN}\n", "ascii")


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


def test_the_relay_needs_none(machine: Machine) -> None:
    path = Path(str(machine.json("install", "cursor", "--stdio")[0]["file"]))
    assert TOKEN not in path.read_text("utf-8")


def test_it_is_not_told_to_who_reads_along(machine: Machine) -> None:
    outcome = machine.json("install", "codex")[0]
    assert outcome["entry"] == {"url": URL, "http_headers": {"Authorization": "Bearer ..."}}
    assert TOKEN not in machine("list")


def test_a_new_token_takes_the_place_of_the_old(machine: Machine, home: Home) -> None:
    machine("install", "cursor")
    Path(home.token).write_text("fresh\n", "ascii")
    assert "changed" in machine("install", "cursor")
    assert "Bearer fresh" in machine.file(".cursor/mcp.json").read_text("utf-8")
