"""What ``persistproc init`` writes for real projects comes up: an npm workspace, a Django site."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.support import Cli

PLAIN = {"PYTHONSAFEPATH": ""}
"""What the tests' own calls need would keep Python programs from finding their modules."""


def run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240
    )
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")


def write(folder: Path, files: Mapping[str, object]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")


def up(cli: Cli) -> dict[str, str]:
    """Bring up what init wrote; what each process answers with on its own port."""
    cli("init", "--yes", check=0)
    subprocess.run(
        [sys.executable, "-m", "persistproc_cli", "up", "--yes"],
        cwd=cli.project,
        env=cli.variables(PLAIN),
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=True,
    )
    return {str(process["name"]): answer(process) for process in cli.processes() if process["state"] == "running"}


def answer(process: dict[str, object]) -> str:
    assert process["ready"] is True, process
    ports = process["assigned_ports"]
    assert isinstance(ports, dict)
    with urllib.request.urlopen(f"http://localhost:{next(iter(ports.values()))}/", timeout=20) as reply:
        return str(reply.read().decode("utf-8"))


@pytest.mark.timeout(400)
def test_an_npm_workspace(cli: Cli) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    write(
        cli.project,
        {
            "package.json": {"private": True, "workspaces": ["apps/*"], "scripts": {"dev": "npm run dev --workspaces"}},
            "apps/web/package.json": {"name": "@shop/web", "type": "module", "scripts": {"dev": "vite"}},
            "apps/web/index.html": "<!doctype html><p>the page</p>",
            "apps/api/package.json": {"name": "@shop/api", "scripts": {"dev": "node server.js"}},
            "apps/api/server.js": "require('http').createServer((_, r) => r.end('the api')).listen(process.env.PORT)",
        },
    )
    install = ("npm", "install", "--save-dev", "--prefer-offline", "--no-audit", "--no-fund", "vite")
    run(cli.project, *install, "--workspace", "@shop/web")
    answers = up(cli)
    assert set(answers) == {"web", "api"}
    assert "the page" in answers["web"]
    assert answers["api"] == "the api"
    cli("shutdown", "--yes", check=0)


@pytest.mark.timeout(400)
def test_a_django_site(cli: Cli) -> None:
    run(cli.project, sys.executable, "-m", "venv", ".venv")
    run(cli.project, ".venv/bin/python", "-m", "pip", "install", "--quiet", "django")
    run(cli.project, ".venv/bin/django-admin", "startproject", "shop", ".")
    answers = up(cli)
    assert set(answers) == {"web"}
    assert "The install worked successfully" in answers["web"]
    cli("up", "--yes", "web-migrate", env=PLAIN, check=0)
    assert (cli.project / "db.sqlite3").stat().st_size > 0
    cli("shutdown", "--yes", check=0)
