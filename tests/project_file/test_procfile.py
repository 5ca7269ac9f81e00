"""A Procfile with its .env."""

from __future__ import annotations

from pathlib import Path

import pytest

from persistproc_core.project_file.model import EnvFile
from persistproc_core.project_file.variables import variables_of
from tests.project_file.support import Wrong, loaded, only, wrong

PROCFILE = """\
# what runs
web: bundle exec puma -p $PORT

  worker: rake jobs:work
api:node server.js --port ${PORT:-3000}
clock:    sh -c 'while true; do date; sleep 1; done'
"""


def test_a_procfile(tmp_path: Path) -> None:
    file = loaded(tmp_path, PROCFILE, "Procfile")

    assert {entry.name: (entry.line, entry.command) for entry in file.processes.values()} == {
        "web": (2, "bundle exec puma -p $PORT"),
        "worker": (4, "rake jobs:work"),
        "api": (5, "node server.js --port ${PORT:-3000}"),
        "clock": (6, "sh -c 'while true; do date; sleep 1; done'"),
    }
    web = file.processes["web"]
    assert (web.working_directory, web.needs, web.optional) == (str(tmp_path), {}, False)
    assert web.env_files == (EnvFile(f"{tmp_path}/.env", None, required=False),)


def test_only_a_newline_ends_a_line(tmp_path: Path) -> None:
    entry = only(tmp_path, "web: echo a\fb: c\u2028d: e\r\n", "Procfile")
    assert entry.command == "echo a\fb: c\u2028d: e"


def test_each_is_told_a_port_but_only_some_must_listen(tmp_path: Path) -> None:
    file = loaded(tmp_path, PROCFILE, "Procfile")

    assert {entry.name: entry.definition for entry in file.processes.values()} == {
        "web": {"ports": [{"prefer": 5000}]},
        "worker": {"ports": [{"prefer": 5100, "optional": True}]},
        "api": {"ports": [{"prefer": 5200}]},
        "clock": {"ports": [{"prefer": 5300, "optional": True}]},
    }


@pytest.mark.parametrize(
    ("value", "port"), [("3000", 3000), ("0", 5000), ("x", 5000), ("99999", 5000), ("1" * 5000, 5000), ("", 5000)]
)
def test_ports_are_counted_from_that_of_the_env_file(tmp_path: Path, value: str, port: int) -> None:
    (tmp_path / ".env").write_text(f"PORT={value}\n", "utf-8")

    assert only(tmp_path, "web: x\n", "Procfile").definition == {"ports": [{"prefer": port}]}


def test_the_last_ports_of_many_are_any(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=65500\n", "utf-8")
    file = loaded(tmp_path, "a: x $PORT\nb: x $PORT\n", "Procfile")

    assert [entry.definition for entry in file.processes.values()] == [{"ports": [{"prefer": 65500}]}, {"ports": [{}]}]


def test_the_variables_of_the_env_file(tmp_path: Path) -> None:
    entry = only(tmp_path, "web: x\n", "Procfile")
    assert variables_of(entry, {"HOME": "/h"}) == {}
    (tmp_path / ".env").write_text("A=1\nB=${A}2\nC=${HOME}\n", "utf-8")

    assert variables_of(entry, {"HOME": "/h"}) == {"A": "1", "B": "12", "C": "/h"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web: x\nworker\n", Wrong(2, "is not NAME: COMMAND", "for example web: npm run dev")),
        ("web:\n", Wrong(1, "is not NAME: COMMAND", "for example web: npm run dev")),
        ("web: x\n\nweb: y\n", Wrong(3, "web is there twice", "the first one is in line 1")),
        ("-a: x\n", Wrong(1, "-a cannot be the name of a process: it starts with '-'", "")),
        ("# no\n", Wrong(None, "there is no process in it", "write NAME: COMMAND, for example web: npm run dev")),
        ("web: x\nb: \0\n", Wrong(2, "has a NUL character", "")),
        ("web: x {ports.b}\n", Wrong(1, "web has {ports.b}, but there is no such port", "did you mean {ports.web}?")),
    ],
    ids=["no colon", "no command", "twice", "name", "nothing", "NUL", "placeholder"],
)
def test_what_is_wrong(tmp_path: Path, text: str, expected: Wrong) -> None:
    (problem,) = [problem for problem in wrong(tmp_path, text, "Procfile") if problem.line or expected.line is None]

    assert (problem.line, problem.text) == (expected.line, expected.text)
    assert problem.hint in (expected.hint, "")
