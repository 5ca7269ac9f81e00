"""What a right file says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from persistproc_core.errors import ProjectInvalid
from persistproc_core.project_file.find import find_file
from persistproc_core.project_file.load import load
from persistproc_core.project_file.model import EnvFile
from persistproc_core.project_file.read_text import MAX_FILE_BYTES
from tests.project_file.support import loaded, only

WHOLE = """\
#:schema persistproc.schema.json
env_files = [".env"]

[environment]
A = "1"
B = 2

[processes.db]
command = ["postgres", "-p", "{port}"]
port = { prefer = 5432, variable = "PGPORT" }
ready = { command = ["pg_isready", "-p", "{port}"], timeout_seconds = "2m" }
stop_signal = "SIGINT"
stop_grace_seconds = "1m30s"
keep_bytes = "64M"

[processes.migrate]
command = "alembic upgrade head"
needs = ["db"]
ready = "completed"

[processes.api]
command = "uvicorn app:app --port {ports.web}"
working_directory = "api"
env_files = ["api/.env", { path = "/etc/api.env", required = false }]
environment = { B = "3", DATABASE = "localhost:{ports.db}" }
needs = { db = "started", migrate = "completed" }
ports = { web = "auto", debug = 5678, admin = { optional = true } }
ready = "port"
liveness = "http://127.0.0.1:{port}/health"
watch = ["**/*.py"]
tags = ["back"]
optional = true
restart = "on-failure"
"""


def test_a_whole_file(tmp_path: Path) -> None:
    file = loaded(tmp_path, WHOLE)

    here = str(tmp_path)
    assert (file.path, file.format, file.directory) == (f"{here}/persistproc.toml", "persistproc.toml", here)
    assert list(file.processes) == ["db", "migrate", "api"]
    db, migrate, api = file.processes.values()
    assert (db.line, migrate.line, api.line) == (8, 16, 21)
    assert db.command == ["postgres", "-p", "{port}"]
    assert db.definition == {
        "ports": [{"prefer": 5432, "variable": "PGPORT"}],
        "ready": {"command": ["pg_isready", "-p", "{port}"], "timeout_seconds": 120.0},
        "stop_signal": "SIGINT",
        "stop_grace_seconds": 90.0,
        "keep_bytes": 64 * 1024 * 1024,
    }
    assert (db.working_directory, db.optional, db.needs) == (here, False, {})
    assert db.env_files == (EnvFile(f"{here}/.env", 2),)
    assert db.environment == {"A": "1", "B": "2"}
    assert (migrate.needs, migrate.definition) == ({"db": "ready"}, {"ready": {"completed": True}})
    assert api.working_directory == f"{here}/api"
    assert api.env_files == (
        EnvFile(f"{here}/.env", 2),
        EnvFile(f"{here}/api/.env", 24),
        EnvFile("/etc/api.env", 24, required=False),
    )
    assert api.environment == {"A": "1", "B": "3", "DATABASE": "localhost:{ports.db}"}
    assert (api.needs, api.optional) == ({"db": "started", "migrate": "completed"}, True)
    assert api.definition == {
        "ports": [{"name": "web"}, {"name": "debug", "port": 5678}, {"name": "admin", "optional": True}],
        "ready": {"port": "web"},
        "liveness": {"url": "http://127.0.0.1:{port}/health"},
        "watch": ["**/*.py"],
        "tags": ["back"],
        "restart": "on-failure",
    }


@pytest.mark.parametrize(
    ("written", "ports"),
    [
        ("port = 3000", [{"port": 3000}]),
        ('port = "auto"', [{}]),
        ('port = { name = "web", prefer = 3000 }', [{"name": "web", "prefer": 3000}]),
        ('port = 1\nports = { x = 2, y = "auto" }', [{"port": 1}, {"name": "x", "port": 2}, {"name": "y"}]),
    ],
    ids=["fixed", "auto", "table", "both"],
)
def test_ports(tmp_path: Path, written: str, ports: list[dict[str, object]]) -> None:
    assert only(tmp_path, f'[processes.web]\ncommand = "x"\n{written}\n').definition == {"ports": ports}


@pytest.mark.parametrize("name", ["SIGINT", "int", "2", "SIG41", "41"])
def test_signals_as_everywhere_else(tmp_path: Path, name: str) -> None:
    written = f'[processes.web]\ncommand = "x"\nstop_signal = "{name}"\n'
    assert only(tmp_path, written).definition == {"stop_signal": name}


def test_only_what_the_file_says_is_in_it(tmp_path: Path) -> None:
    assert only(tmp_path, '[processes.web]\ncommand = "x"\n').definition == {}


def test_what_looks_like_a_placeholder_and_is_none_stays(tmp_path: Path) -> None:
    command = "echo ${port} {{port}} {ports} {x} {1..3} {PORT}"

    assert only(tmp_path, f"[processes.web]\ncommand = '{command}'\n").command == command


def test_a_table_in_pyproject(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\n\n[tool.persistproc.processes.web]\ncommand = "x"\nenvironment.A = "1"\n'
    entry = only(tmp_path, text, "pyproject.toml")

    assert (entry.name, entry.line, entry.lines["environment.A"]) == ("web", 4, 6)


# --- which file -----------------------------------------------------------------------------------------------------


def test_the_first_of_three_counts(tmp_path: Path) -> None:
    def format_now() -> str | None:
        found = find_file(str(tmp_path))
        return found.format if found else None

    assert format_now() is None
    (tmp_path / "Procfile").write_text("web: x\n", "utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nuses = 'persistproc'\n", "utf-8")
    assert format_now() == "Procfile"
    (tmp_path / "pyproject.toml").write_text("[tool]\npersistproc.processes.web.command = 'x'\n", "utf-8")
    assert format_now() == "pyproject.toml"
    (tmp_path / "persistproc.toml").write_text("", "utf-8")
    assert format_now() == "persistproc.toml"


def test_a_pyproject_that_is_no_toml_counts_when_it_was_meant_to_be(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.persistproc]\nprocesses = \n", "utf-8")
    found = find_file(str(tmp_path))
    assert found is not None
    with pytest.raises(ProjectInvalid, match="line 2: is not TOML"):
        load(found)


def test_what_is_no_file_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "persistproc.toml").mkdir()
    os.mkfifo(tmp_path / "Procfile")

    assert find_file(str(tmp_path)) is None
    assert find_file(str(tmp_path / "nowhere")) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"# \xff\n", "line 1: is not UTF-8"),
        (b"a = 1\n# \xff\n", "line 2: is not UTF-8"),
        (b"#" * (MAX_FILE_BYTES + 1), "longer than 1024 KiB"),
    ],
    ids=["first line", "second line", "size"],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "persistproc.toml").write_bytes(data)
    found = find_file(str(tmp_path))
    assert found is not None
    with pytest.raises(ProjectInvalid, match=words):
        load(found)


def test_a_file_that_has_gone_since_it_was_found(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: x\n", "utf-8")
    found = find_file(str(tmp_path))
    assert found is not None
    (tmp_path / "Procfile").unlink()
    with pytest.raises(ProjectInvalid, match="cannot be read: No such file"):
        load(found)
    os.mkfifo(tmp_path / "Procfile")
    with pytest.raises(ProjectInvalid, match="not a regular file"):
        load(found)
    (tmp_path / "Procfile").unlink()
    (tmp_path / "Procfile").mkdir()
    descriptors = os.listdir("/dev/fd")
    with pytest.raises(ProjectInvalid, match="cannot be read: Is a directory"):
        load(found)
    assert os.listdir("/dev/fd") == descriptors


# --- the digest -----------------------------------------------------------------------------------------------------

FORMS = [
    '[processes.a]\ncommand = "x"\nport = "auto"\nready = "port"\nneeds = ["b"]\n[processes.b]\ncommand = "y"\n',
    '# other words\n[processes]\nb = { command = "y" }\n[processes.a]\nneeds = { b = "ready" }\n'
    'ready = { port = "port" }\nport = {}\ncommand = "x"\n',
]


def test_comments_order_and_short_forms_make_no_other_digest(tmp_path: Path) -> None:
    assert len({loaded(tmp_path, text).digest for text in FORMS}) == 1


@pytest.mark.parametrize(
    "line",
    ['command = "y"', 'command = ["x"]', 'command = "x"\ntty = true', 'command = "x"\nenvironment.A = "1"'],
)
def test_what_would_run_otherwise_makes_another_one(tmp_path: Path, line: str) -> None:
    before = loaded(tmp_path, '[processes.a]\ncommand = "x"\n').digest

    assert loaded(tmp_path, f"[processes.a]\n{line}\n").digest != before


def test_another_directory_makes_another_one(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()

    assert loaded(tmp_path, FORMS[0]).digest != loaded(tmp_path / "other", FORMS[0]).digest
