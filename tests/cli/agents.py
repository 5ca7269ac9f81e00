"""A machine with agents on it: a home directory, a project, and ``persistproc agent`` run in them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from persistproc_cli.agents.table import AGENTS
from persistproc_cli.agents.toml_edit import read as read_toml
from persistproc_cli.agents.yaml_edit import read as read_yaml
from persistproc_cli.main import main
from persistproc_core.paths import Home

__all__ = ["BACKUP", "URL", "Machine", "commented", "machine", "section_of"]

URL = "http://127.0.0.1:8947/mcp/"
BACKUP = ".persistproc-backup"

COMMENTED = '{\n\t// mine\n\t"theme": "x", /* y */\n\t"list": [1, 2,],\n}\n'
COMMENTED_TOML = '# mine\nmodel = "m" # y\n\n[profiles.a]\nb = 1\n'
COMMENTED_YAML = "# mine\nGOOSE_MODEL: m # y\n\nsearch:\n- a\n"


def commented(name: str) -> str:
    return {"toml": COMMENTED_TOML, "yaml": COMMENTED_YAML}.get(AGENTS[name].format, COMMENTED)


class Machine:
    """A home directory and a project with nothing in them, and the verb run in them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = folder / "ana"
        self.project = folder / "shop"
        self.programs = folder / "bin"
        self.said = ""
        self.noted = ""
        self._capsys = capsys

    def __call__(self, *words: str, check: int = 0) -> str:
        """Run ``persistproc agent ...``; returns what it printed."""
        code = main(["agent", *words])
        self.said, self.noted = self._capsys.readouterr()
        assert code == check, (words, self.said, self.noted)
        assert "defect" not in self.noted
        return self.said

    def json(self, *words: str, check: int = 0) -> list[dict[str, object]]:
        """The outcomes in the document of a call."""
        outcomes: list[dict[str, object]] = json.loads(self(*words, "--json", check=check))["agents"]
        return outcomes

    def file(self, name: str, text: str | None = None) -> Path:
        """A file of the home directory, written first when a text is given."""
        path = self.home / name
        if text is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        return path

    def configuration_of(self, name: str, text: str) -> Path:
        """The configuration of an agent, with a text in it."""
        path = Path(str(self.json("install", name, "--print")[0]["file"]))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def files(self) -> list[str]:
        """All files there are, but those of persistproc itself."""
        found = [path for root in (self.home, self.project) for path in root.rglob("*") if not path.is_dir()]
        return sorted(str(path.relative_to(self.home.parent)) for path in found)

    def program(self, name: str, script: str) -> None:
        """A program of an agent, on the PATH."""
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Machine:
    machine = Machine(tmp_path, capsys)
    for folder in (machine.home, machine.project / ".git", machine.programs):
        folder.mkdir(parents=True)
    for name in [name for name in os.environ if name.startswith("XDG_") or name.endswith(("_HOME", "_DIR"))]:
        if not name.startswith("PERSISTPROC_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(machine.home))
    monkeypatch.setenv("PATH", f"{machine.programs}:/usr/bin:/bin")
    monkeypatch.setenv("PWD", str(machine.project))
    monkeypatch.chdir(machine.project)
    return machine


def section_of(text: str, name: str) -> dict[str, object]:
    read = {"toml": read_toml, "yaml": read_yaml}.get(AGENTS[name].format, json.loads)
    found = read(text)
    for key in AGENTS[name].keys:
        found = found[key]
    entry: dict[str, object] = found
    return entry
