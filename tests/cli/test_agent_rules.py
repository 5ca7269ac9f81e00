"""``persistproc agent rules``: a section in the files that agents read, which comes and goes without a trace."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_cli.agents.rules import RULES, with_rules, without_rules
from tests.cli.agents import Machine, machine

__all__ = ["machine"]


def test_they_are_printed(machine: Machine) -> None:
    assert machine("rules") == RULES
    assert json.loads(machine("rules", "--json")) == {"rules": RULES}
    assert machine.files() == []


def test_they_are_short_and_name_the_tools() -> None:
    assert len(RULES) < 1200
    for tool in ("list_processes", "start_process", "get_process_output", "restart_process", "wait_for_process"):
        assert tool in RULES


def test_written_once_and_removed(machine: Machine) -> None:
    guide = machine.project / "AGENTS.md"
    assert machine("rules", "--write") == f"rules added to {guide}\n"
    text = guide.read_text("utf-8")
    assert RULES in text
    assert "already" in machine("rules", "--write")
    guide.write_text(text.replace("Look first", "Look never"), "utf-8")
    assert "brought up to date" in machine("rules", "--write")
    assert guide.read_text("utf-8") == text
    assert "removed" in machine("rules", "--uninstall")
    assert machine.files() == []
    assert "there are no rules" in machine("rules", "--uninstall")


def test_the_files_that_are_there_are_taken(machine: Machine) -> None:
    for name in ("CLAUDE.md", "GEMINI.md"):
        (machine.project / name).write_text("# Ours\n", "utf-8")
    machine("rules", "--write")
    assert machine.files() == ["shop/CLAUDE.md", "shop/GEMINI.md"]
    assert (machine.project / "CLAUDE.md").read_text("utf-8") == with_rules("# Ours\n")
    machine("rules", "--uninstall")
    assert (machine.project / "CLAUDE.md").read_text("utf-8") == "# Ours\n"


@pytest.mark.parametrize("how", ["import", "link"])
def test_a_file_that_takes_in_another_is_not_written(machine: Machine, how: str) -> None:
    (machine.project / "AGENTS.md").write_text("# Ours\n", "utf-8")
    claude = machine.project / "CLAUDE.md"
    if how == "import":
        claude.write_text("@AGENTS.md\n", "utf-8")
    else:
        claude.symlink_to("AGENTS.md")
    assert machine("rules", "--write").count("\n") == 1
    assert "AGENTS.md" in machine("install", "claude-code", "--rules")
    assert (machine.project / "AGENTS.md").read_text("utf-8") == with_rules("# Ours\n")
    assert claude.read_text("utf-8") == {"import": "@AGENTS.md\n", "link": with_rules("# Ours\n")}[how]


def test_with_the_agent_into_the_file_that_it_reads(machine: Machine) -> None:
    for name, file in [("claude-code", "CLAUDE.md"), ("gemini", "GEMINI.md"), ("cursor", "AGENTS.md")]:
        machine("install", name, "--rules")
        assert RULES in (machine.project / file).read_text("utf-8")
        machine("uninstall", name, "--rules")
        assert machine.files() == []


def test_files_by_name(machine: Machine) -> None:
    machine("rules", "--write", ".cursor/rules/persistproc.mdc")
    assert machine.files() == ["shop/.cursor/rules/persistproc.mdc"]


def test_a_damaged_section_is_left_alone(machine: Machine) -> None:
    guide = machine.project / "AGENTS.md"
    damaged = with_rules("# Ours\n").replace("<!-- persistproc: end -->\n", "")
    guide.write_text(damaged, "utf-8")
    for option in ("--write", "--uninstall"):
        machine("rules", option, check=1)
        assert "markers" in machine.noted
    assert guide.read_text("utf-8") == damaged


@given(st.lists(st.sampled_from(["# A", "", "text", "<!-- x -->"])).map("\n".join), st.sampled_from(["\n", "\r\n"]))
def test_nothing_else_is_changed(text: str, newline: str) -> None:
    text = (text + "\n").replace("\n", newline)
    after = with_rules(text)
    assert after.startswith(text)
    assert with_rules(after) == after
    assert without_rules(after) == text
    assert without_rules(f"{after}{newline}more{newline}") == f"{text}{newline}more{newline}"


def test_the_folder_that_they_stood_in_stays(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = machine.home / ".notes"
    hidden.mkdir()
    monkeypatch.setenv("PWD", str(hidden))
    monkeypatch.chdir(hidden)
    machine("rules", "--write")
    machine("rules", "--uninstall")
    assert list(machine.home.iterdir()) == [hidden]


def test_in_a_directory_that_is_gone(machine: Machine) -> None:
    os.rmdir(machine.project / ".git")
    os.rmdir(machine.project)
    machine("rules", "--write", check=2)
    assert "has been deleted" in machine.noted
