"""Files of agents are edited so that nothing of anybody else is ever lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from persistproc_cli.agents.own import run_own_command
from tests.cli.agents import BACKUP, URL, Machine, machine, section_of
from tests.kit import wait_gone

__all__ = ["machine"]


def test_an_entry_that_leads_elsewhere_is_changed(machine: Machine) -> None:
    text = """{
  "mcpServers": {
    "persistproc": {
      // the old one
      "command": "npx",
      "args": ["persistproc"],
      "timeout": 5000 // mine
    },
    "other": {"url": "http://x"}
  }
}
"""
    path = machine.file(".cursor/mcp.json", text)
    assert f"changed ~/.cursor/mcp.json: persistproc is now {URL}" in machine("install", "cursor")
    assert (
        path.read_text("utf-8")
        == """{
  "mcpServers": {
    "persistproc": {
      // the old one
      "timeout": 5000, // mine
      "url": "http://127.0.0.1:8947/mcp/"
    },
    "other": {"url": "http://x"}
  }
}
"""
    )
    machine("uninstall", "cursor")
    assert json.loads(path.read_text("utf-8")) == {"mcpServers": {"other": {"url": "http://x"}}}


def test_what_others_changed_since_is_kept(machine: Machine) -> None:
    path = machine.file(".gemini/settings.json", '{\n  "theme": "a"\n}\n')
    machine("install", "gemini")
    path.write_text(path.read_text("utf-8").replace('"a"', '"b"'), "utf-8")
    machine("uninstall", "gemini")
    assert path.read_text("utf-8") == '{\n  "theme": "b"\n}\n'
    copies = [name for name in machine.files() if BACKUP in name]
    assert len(copies) == 2, "the first copy, and one of what was there before the entry was removed"


def test_a_link_stays_a_link(machine: Machine) -> None:
    real = machine.file("dotfiles/cursor.json", '{"mcpServers": {}}')
    link = machine.file(".cursor/mcp.json")
    link.parent.mkdir()
    link.symlink_to(real)
    machine("install", "cursor")
    assert link.is_symlink()
    assert section_of(real.read_text("utf-8"), "cursor") == {"url": URL}
    machine("uninstall", "cursor")
    assert link.is_symlink()
    assert real.read_text("utf-8") == '{"mcpServers": {}}'


def test_a_link_to_nothing_yet(machine: Machine) -> None:
    link = machine.file(".cursor/mcp.json")
    link.parent.mkdir()
    link.symlink_to(machine.home / "dotfiles" / "new.json")
    machine("install", "cursor")
    assert section_of((machine.home / "dotfiles" / "new.json").read_text("utf-8"), "cursor") == {"url": URL}


def test_a_read_only_file_is_left_alone(machine: Machine) -> None:
    path = machine.file(".cursor/mcp.json", "{}")
    path.chmod(0o444)
    machine("install", "cursor", check=1)
    assert "is read-only; nothing was changed" in machine.noted
    assert path.read_text("utf-8") == "{}"
    assert len(machine.files()) == 1


@pytest.mark.parametrize("content", [b"\xff\xfe{\x00}\x00", b"\x80"], ids=["utf-16", "bytes"])
def test_a_file_that_is_not_text_is_left_alone(machine: Machine, content: bytes) -> None:
    path = machine.file(".cursor/mcp.json", "")
    path.write_bytes(content)
    machine("install", "cursor", check=1)
    assert "is not UTF-8 text; nothing was changed" in machine.noted
    assert path.read_bytes() == content


def test_what_is_no_file_is_left_alone(machine: Machine) -> None:
    machine.file(".cursor/mcp.json/x", "")
    machine("install", "cursor", check=1)
    assert "nothing was changed" in machine.noted
    fifo = machine.file(".qwen/settings.json")
    fifo.parent.mkdir()
    os.mkfifo(fifo)
    machine("install", "qwen", check=1)
    assert "is not a file; nothing was changed" in machine.noted


def test_byte_order_mark_and_line_ends_stay(machine: Machine) -> None:
    path = machine.file(".cursor/mcp.json", '\ufeff{\r\n  "a": 1\r\n}\r\n')
    machine("install", "cursor")
    text = path.read_bytes().decode()
    assert text.startswith("\ufeff{\r\n")
    assert text.count("\n") == text.count("\r\n")
    machine("uninstall", "cursor")
    assert path.read_bytes().decode() == '\ufeff{\r\n  "a": 1\r\n}\r\n'


CLAUDE = """
case "$*" in
"mcp add --scope user --transport http persistproc http://127.0.0.1:8947/mcp/")
  echo '{"mcpServers":{"persistproc":{"type":"http","url":"'"$8"'"}},"by":"claude"}' > "$HOME/.claude.json";;
*) echo "what? $*"; exit 3;;
esac
"""


def test_its_own_command_is_used(machine: Machine) -> None:
    machine.program("claude", CLAUDE)
    assert machine("install", "claude-code", "--print") == (
        f"# Claude Code: would run this, which writes to {machine.home}/.claude.json\n"
        f"claude mcp add --scope user --transport http persistproc {URL}\n"
    )
    assert "(by claude mcp add)" in machine("install", "claude-code")
    assert json.loads(machine.file(".claude.json").read_text("utf-8"))["by"] == "claude"
    machine("uninstall", "claude-code")
    assert json.loads(machine.file(".claude.json").read_text("utf-8")) == {"mcpServers": {}, "by": "claude"}


@pytest.mark.parametrize(
    "script", ["echo I am broken; exit 3", "exit 0", "echo '{}' > $HOME/.claude.json"], ids=range(3)
)
def test_when_its_own_command_fails_the_file_is_edited(machine: Machine, script: str) -> None:
    machine.program("claude", script)
    machine("install", "claude-code")
    assert "claude mcp add did not do it" in machine.noted
    assert section_of(machine.file(".claude.json").read_text("utf-8"), "claude-code") == {"type": "http", "url": URL}


def test_its_own_command_is_not_used_where_it_loses_something(machine: Machine) -> None:
    machine.program("claude", "rm $HOME/.claude.json")
    path = machine.file(".claude.json", '{"a": 1 /* kept */}')
    machine("install", "claude-code")
    assert "/* kept */" in path.read_text("utf-8")


def test_no_configuration_is_touched_while_another_writes_it(machine: Machine) -> None:
    """An agent that writes its file between our reading and our writing keeps what it wrote."""
    from persistproc_cli.agents.files import ConfigFile, FileUnusable

    path = machine.file(".cursor/mcp.json", "{}")
    file = ConfigFile(str(path))
    path.write_text('{"new": 1}', "utf-8")
    with pytest.raises(FileUnusable, match="changed by somebody else"):
        file.replace("{}", private=False, project=False)
    assert path.read_text("utf-8") == '{"new": 1}'
    assert len(machine.files()) == 1


@pytest.mark.parametrize("text", [None, '{\n  "theme": "a"\n}\n'], ids=["new", "old"])
@pytest.mark.parametrize("name", ["cursor", "codex", "goose", "zed"])
def test_from_one_way_to_the_other_leaves_nothing_behind(machine: Machine, name: str, text: str | None) -> None:
    """What we have written ourselves is not kept: the copy would hold our own entry, and perhaps its token."""
    before = []
    if text is not None:
        path = machine.configuration_of(name, text if name in ("cursor", "zed") else "")
        before = [(path, path.read_text("utf-8"))]
    files = machine.files()
    for options in ([], ["--stdio"], []):
        machine("install", name, *options)
    assert len([file for file in machine.files() if BACKUP in file]) == len(before)
    machine("uninstall", name)
    assert machine.files() == files
    assert [(path, path.read_text("utf-8")) for path, _ in before] == before


def test_each_copy_holds_what_was_there(machine: Machine) -> None:
    path = machine.file(".cursor/mcp.json")
    contents = {f'{{"mcpServers": {{"other": {number}}}}}' for number in range(4)}
    for content in sorted(contents):  # all of one second, or two
        machine.file(".cursor/mcp.json", content)
        machine("install", "cursor")
    copies = {file.read_text("utf-8") for file in path.parent.iterdir() if BACKUP in file.name}
    assert copies == contents


def test_a_path_that_is_no_text_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration can hold it."""
    monkeypatch.setenv("PERSISTPROC_HOME", str(machine.home / "p\udcff"))
    machine.file(".cursor/mcp.json", "{}")
    for options in ([], ["--print"]):
        machine("install", "cursor", "goose", "--stdio", *options, check=1)
        assert machine.noted.count("is not UTF-8 text; nothing was changed") == 2
    assert machine.files() == ["ana/.cursor/mcp.json"]


def test_an_own_command_without_end_is_ended_with_its_children(tmp_path: Path) -> None:
    """Programs that npm installs start the real one as their child."""
    program = tmp_path / "agent"
    program.write_text(f"#!/bin/sh\nsleep 1000 &\necho $! > {tmp_path}/child\nwait\n", "utf-8")
    program.chmod(0o755)
    assert run_own_command([str(program)], 1) == "it did not end within 1 s"
    wait_gone(int((tmp_path / "child").read_text("ascii")))
