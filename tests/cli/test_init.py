"""``persistproc init``: what it finds in the layouts of real repositories, and that the file it writes is right."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from persistproc_cli.init.looking import find
from persistproc_cli.init.writing import file_text
from persistproc_core.project_file.find import find_file
from persistproc_core.project_file.load import load
from persistproc_core.project_file.model import Entry
from tests.cli.support import Cli

VITE = json.dumps({"name": "web", "scripts": {"dev": "vite", "build": "vite build"}})
NODE = json.dumps({"name": "@acme/api", "scripts": {"dev": "node --watch server.js"}})


def scripts(**texts: str) -> str:
    return json.dumps({"name": "shop", "scripts": texts})


class Layout(NamedTuple):
    """Files of a project, and what is made of them: the command by name, after a ! when it is optional."""

    files: Mapping[str, str]
    found: Mapping[str, str]
    folders: Mapping[str, str] = {}


LAYOUTS = {
    "npm-workspace": Layout(
        {
            "package.json": json.dumps({"workspaces": ["apps/*", "!apps/old"], "scripts": {"dev": "turbo run dev"}}),
            "package-lock.json": "{}",
            "apps/web/package.json": VITE,
            "apps/api/package.json": NODE,
            "apps/api/server.js": "listen(process.env.PORT || 3000)",
            "apps/old/package.json": VITE,
            "packages/ui/package.json": VITE,
            "node_modules/x/package.json": VITE,
        },
        {"api": "npm run dev", "web": "npm run dev -- --port {port} --strictPort"},
        {"api": "apps/api", "web": "apps/web"},
    ),
    "pnpm-workspace": Layout(
        {
            "package.json": scripts(dev="pnpm -r --parallel dev"),
            "pnpm-workspace.yaml": "packages:\n  - 'packages/**'\n",
            "pnpm-lock.yaml": "",
            "packages/deep/site/package.json": scripts(dev="next dev --turbo"),
            "packages/lib/package.json": scripts(build="tsc"),
        },
        {"site": "pnpm run dev"},
        {"site": "packages/deep/site"},
    ),
    "yarn-with-a-server-of-its-own": Layout(
        {
            "package.json": json.dumps({"workspaces": {"packages": ["web"]}, "scripts": {"start": "node gateway"}}),
            "yarn.lock": "",
            "web/package.json": scripts(start="react-scripts start"),
        },
        {"shop": "yarn run start", "web": "yarn run start"},
    ),
    "one-package": Layout(
        {"package.json": scripts(dev="NODE_ENV=x vite dev", start="node x")},
        {"shop": "npm run dev -- --port {port} --strictPort"},
    ),
    "bun": Layout({"package.json": scripts(dev="astro dev"), "bun.lock": ""}, {"shop": "bun run dev --port {port}"}),
    "several-at-once": Layout({"package.json": scripts(dev='concurrently "vite" "tsc -w"')}, {"shop": "npm run dev"}),
    "front-and-back": Layout(
        {"backend/manage.py": "import django", "frontend/package.json": VITE, "docs/package.json": VITE},
        {
            "backend": "PYTHON manage.py runserver {port}",
            "!backend-migrate": "PYTHON manage.py migrate",
            "frontend": "npm run dev -- --port {port} --strictPort",
        },
    ),
    "django": Layout(
        {"manage.py": "from django.core import x", "uv.lock": "", "shop/settings.py": ""},
        {
            "web": "uv run python manage.py runserver {port}",
            "!web-migrate": "uv run python manage.py migrate",
        },
    ),
    "fastapi": Layout(
        {"pyproject.toml": "", "src/shop/main.py": "api: FastAPI = FastAPI()\n", "poetry.lock": ""},
        {"api": "poetry run python -m uvicorn --app-dir src shop.main:api --reload --port {port}"},
    ),
    "flask-in-its-environment": Layout(
        {
            "requirements.txt": "flask",
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
            ".venv/bin/python": "",
        },
        {"web": "./.venv/bin/python -m flask --app app run --debug --port {port}"},
    ),
    "tasks": Layout({"pyproject.toml": "[tool.poe.tasks]\nserve = 'x'\n"}, {"app": "poe serve"}),
    "procfile": Layout(
        {
            "Procfile": "# all\nweb: gunicorn app\nworker: celery -A app worker\n",
            "Procfile.dev": "web: bin/rails server -p $PORT\ncss: bin/tailwind --watch\n",
            ".env": "A=1\n",
            "package.json": VITE,
        },
        {"web": "bin/rails server -p $PORT", "css": "bin/tailwind --watch"},
    ),
    "compose": Layout(
        {
            "compose.yaml": """
services:
  db:
    image: docker.io/library/postgres:16
    ports: ["127.0.0.1:5432:5432", {target: 1, published: "9000"}]
  cache: {image: redis, depends_on: [db, gone]}
  web:
    build: .
    depends_on: {db: {condition: service_healthy}, cache: {condition: service_started}}
""",
            "package.json": scripts(dev="vite --port 4000"),
            "package-lock.json": "",
        },
        {
            "db": "docker compose up db",
            "cache": "docker compose up --no-deps cache",
            "!web": "docker compose up --no-deps web",
            "shop": "npm run dev",
        },
    ),
    "compose-alone": Layout(
        {"docker-compose.yml": "services:\n  web: {build: .}\n", "Makefile": "run:\n\ttrue\n"},
        {"web": "docker compose up web"},
    ),
    "two-of-one-name": Layout(
        {
            "compose.yml": "services:\n  web: {build: .}\n  job: {image: x, depends_on: [web]}\n",
            "web/package.json": VITE,
            "x/web/package.json": VITE,
        },
        {
            "!web-3": "docker compose up web",
            "job": "docker compose up --no-deps job",
            "web": "npm run dev -- --port {port} --strictPort",
            "web-2": "npm run dev -- --port {port} --strictPort",
        },
    ),
    "makefile": Layout({"Makefile": "X := 1\nall: run\nrun: all\n\ttrue\ntest:\n\ttrue\n"}, {"shop": "make run"}),
    "broken-files": Layout(
        {
            "package.json": "{",
            "compose.yaml": "a: [",
            "pyproject.toml": "[",
            "Procfile": "nothing",
            "web/package.json": "[" * 100_000,
            "y/package.json": json.dumps({"scripts": {"dev": 'say "{port}" \\ \u0000\x7f'}}),
        },
        {"y": "npm run dev"},
    ),
}


def made(project: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def entries(project: Path, text: str) -> dict[str, Entry]:
    """What the file says, loaded as every other one is."""
    (project / "persistproc.toml").write_text(text, "utf-8")
    found = find_file(str(project))
    assert found is not None
    return load(found).processes


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_what_is_found(layout: Layout, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    project.mkdir()
    made(project, layout.files)
    loaded = entries(project, file_text(find(str(project))))
    python = {f"{name} manage.py": "PYTHON manage.py" for name in ("python3", "python")}
    found = {}
    for entry in loaded.values():
        command = str(entry.command)
        for said, meant in python.items():
            command = meant + command[len(said) :] if command.startswith(said) else command
        found[f"{'!' if entry.optional else ''}{entry.name}"] = command
    assert found == dict(layout.found)
    for name, folder in layout.folders.items():
        assert loaded[name].working_directory == str(project / folder)


def test_ports_dependencies_and_what_tells_that_it_is_ready(tmp_path: Path) -> None:
    made(tmp_path, LAYOUTS["compose"].files)
    found = entries(tmp_path, file_text(find(str(tmp_path))))
    assert found["shop"].definition["ports"] == [{"port": 4000}]
    assert found["db"].definition["ready"]["command"] == "docker compose exec -T db pg_isready -h 127.0.0.1"
    assert found["cache"].needs == {"db": "started"}
    assert found["web"].needs == {"db": "ready", "cache": "started"}


def test_a_procfile_is_told_ports_as_foreman_does(tmp_path: Path) -> None:
    made(tmp_path, LAYOUTS["procfile"].files)
    found = entries(tmp_path, file_text(find(str(tmp_path))))
    assert found["web"].definition["ports"] == [{"prefer": 5000}]
    assert found["css"].definition["ports"] == [{"prefer": 5100, "optional": True}]
    assert [str(each.path) for each in found["web"].env_files] == [str(tmp_path / ".env")]


def test_dependencies_keep_their_meaning_when_a_name_is_taken(tmp_path: Path) -> None:
    made(tmp_path, LAYOUTS["two-of-one-name"].files)
    assert entries(tmp_path, file_text(find(str(tmp_path))))["job"].needs == {"web-3": "started"}


# --- the command ------------------------------------------------------------------------------------------------------


def test_it_is_shown_and_written_only_after_a_yes(cli: Cli) -> None:
    made(cli.project, {"Procfile": "web: sleep 1000\n"})
    refused = cli("init", check=2)
    assert "--yes" in refused.stderr
    shown = cli("init", "--stdout", check=0).stdout
    assert 'command = "sleep 1000"' in shown
    assert not (cli.project / "persistproc.toml").exists()
    with cli.terminal("init") as terminal:
        terminal.wait_for(r"\[y/N\] ")
        made(cli.project, {"persistproc.toml": "# of somebody else\n"})
        terminal.type("y\n")
        assert terminal.wait() == 2, "what came meanwhile is not written over"
    assert (cli.project / "persistproc.toml").read_text("utf-8") == "# of somebody else\n"
    (cli.project / "persistproc.toml").unlink()
    for answer, exit_code in (("n\n", 1), ("y\n", 0)):
        with cli.terminal("init") as terminal:
            terminal.wait_for(r"\[y/N\] ")
            assert not (cli.project / "persistproc.toml").exists()
            terminal.type(answer)
            assert terminal.wait() == exit_code
    assert (cli.project / "persistproc.toml").read_text("utf-8") == shown
    again = cli("init", "--yes", check=2)
    assert "is there already" in again.stderr
    document = cli.json("init", "--yes", "--force", "--json")
    assert (document["written"], document["content"]) == (True, shown)


def test_where_there_is_nothing_it_says_what_it_looked_for(cli: Cli) -> None:
    said = cli("init", "--yes", check=1).stderr
    assert "package.json" in said
    assert list(cli.project.iterdir()) == []
    assert "is not a folder" in cli("init", "--yes", "nowhere", check=2).stderr
    made(cli.project, {"pyproject.toml": "[tool.persistproc.processes.web]\ncommand = 'sleep 1'\n"})
    assert "pyproject.toml is there already" in cli("init", "--yes", check=2).stderr


def test_what_it_writes_comes_up(cli: Cli) -> None:
    server = (
        "import http.server,os; http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), None).serve_forever()"
    )
    made(
        cli.project,
        {"Procfile": f'web: {sys.executable} -c "{server}"\njob: echo working; exec sleep 1000\n', ".env": "A=1\n"},
    )
    cli("init", "--yes", check=0)
    cli("up", "--yes", check=0)
    found = {str(each["name"]): each for each in cli.processes()}
    assert [found[name]["state"] for name in ("web", "job")] == ["running", "running"]
    assert found["web"]["ready"] is True
    cli("down", check=0)


def test_names_and_commands_of_hostile_files(tmp_path: Path) -> None:
    made(
        tmp_path,
        {
            "Procfile": "web: echo '\x9b31m \u202e' \N{PILE OF POO}\n",
            "compose.yaml": 'services:\n  "a; touch pwned":\n    image: redis\n  "\\ud800": {image: x}\n',
        },
    )
    text = file_text(find(str(tmp_path)))
    assert all(char.isprintable() or char == "\n" for char in text), "what is shown is what is run"
    found = {name: entry.command for name, entry in entries(tmp_path, text).items()}
    assert found == {
        "web": "echo '\x9b31m \u202e' \N{PILE OF POO}",
        "a-touch-pwned": "docker compose up 'a; touch pwned'",
    }
    assert "exec -T 'a; touch pwned' redis-cli" in text


def test_folders_whose_names_are_no_text_and_yaml_that_is_none(tmp_path: Path) -> None:
    made(tmp_path, {"compose.yaml": "services: !!bool perhaps\n", "web/package.json": VITE})
    folder = os.fsencode(tmp_path) + b"/bad\xff"
    os.mkdir(folder)
    with open(folder + b"/package.json", "w", encoding="utf-8") as file:
        file.write(VITE)
    proposals = find(str(tmp_path))
    assert list(entries(tmp_path, file_text(proposals))) == ["web"]


def test_what_cannot_be_read_is_named(cli: Cli) -> None:
    """A package.json with a mistake is no reason to hear that there is nothing."""
    path = cli.project / "package.json"
    for content, why in (
        (b'{\n "scripts": {"dev": "vite",}\n}', ", line 2: is not JSON: "),
        (b'{"name": "caf\xe9"}', ": is no UTF-8"),
        (b"[]", ": is JSON, and no object"),
    ):
        path.write_bytes(content)
        told = cli("init", "--stdout", check=1).stderr
        assert f"that init knows how to start; package.json{why}" in told
    (cli.project / "web").mkdir()
    (cli.project / "web" / "package.json").write_text(VITE, encoding="utf-8")
    done = cli("init", "--stdout", check=0)
    assert "[processes.web]" in done.stdout
    assert "persistproc: left out: package.json: is JSON, and no object\n" in done.stderr
