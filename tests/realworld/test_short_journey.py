"""``python -m http.server`` and ``uvicorn --reload``, from one terminal to another. They need no registry."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.support import Cli
from tests.kit import free_port
from tests.realworld.journey import Server, take

APP = """
print("this is version {version}")

async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body", "body": b"version {version}"}})
"""


@pytest.mark.timeout(120)
def test_http_server(cli: Cli) -> None:
    port = free_port()
    page = cli.project / "page.html"
    page.write_text("version one", "utf-8")

    def edit() -> None:
        page.rename(cli.project / "old.html")
        page.write_text("version two", "utf-8")

    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    take(cli, Server(command, port, "Serving HTTP on", "/page.html", edit, r"GET /page.html\?edited HTTP/1.1. 200"))


@pytest.mark.timeout(120)
def test_uvicorn_reload(cli: Cli) -> None:
    pytest.importorskip("uvicorn")
    port = free_port()
    source = cli.project / "app.py"
    source.write_text(APP.format(version="one"), "utf-8")

    def edit() -> None:
        rewrite(source, APP.format(version="two"))

    command = [sys.executable, "-m", "uvicorn", "--reload", "--port", str(port), "--lifespan", "off", "app:app"]
    take(cli, Server(command, port, "Uvicorn running on", "/", edit, "Detected changes|detected changes"))


def rewrite(path: Path, text: str) -> None:
    """As an editor saves: a watcher that looks in the middle must not read half a file."""
    new = path.with_suffix(".new")
    new.write_text(text, "utf-8")
    new.replace(path)
