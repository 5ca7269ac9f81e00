"""What ``persistproc init`` writes for real projects comes up: an npm workspace, a Django site."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.cli.support import CLI, Cli
from tests.realworld.shop import INSTALL, answer, run, write

PLAIN = {"PYTHONSAFEPATH": ""}
"""What the tests' own calls need would keep Python programs from finding their modules."""


def up(cli: Cli) -> dict[str, str]:
    """Bring up what init wrote; what each process answers with on its own port."""
    cli("init", "--yes", check=0)
    subprocess.run(
        [*CLI, "up", "--yes"],
        cwd=cli.project,
        env=cli.variables(PLAIN),
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=True,
    )
    return {str(process["name"]): root_of(process) for process in cli.processes() if process["state"] == "running"}


def root_of(process: dict[str, object]) -> str:
    assert process["ready"] is True, process
    ports = process["assigned_ports"]
    assert isinstance(ports, dict)
    return answer(f"http://localhost:{next(iter(ports.values()))}/").decode("utf-8")


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
    run(cli.project, *INSTALL, "--workspace", "@shop/web")
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
