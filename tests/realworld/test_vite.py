"""A Vite dev server, installed from npm by the test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.support import Cli
from tests.cli.tmux import tmux
from tests.kit import free_port
from tests.realworld.journey import Server, take
from tests.realworld.shop import INSTALL, run, write

PAGE = '<!doctype html><title>shop</title><p>version {version}</p><script type="module" src="/main.js"></script>\n'


def install(project: Path, port: int) -> None:
    """What ``npm create vite`` makes, in four lines; npm keeps what it downloads in its own cache."""
    script = f"vite --host 127.0.0.1 --port {port} --strictPort"
    package = {"name": "shop", "private": True, "type": "module", "scripts": {"dev": script}}
    page = PAGE.format(version="one")
    write(project, {"package.json": package, "index.html": page, "main.js": "console.log('shop')\n"})
    run(project, *INSTALL)


@pytest.mark.timeout(400)
def test_vite_in_a_terminal_of_its_own(cli: Cli, tmp_path: Path) -> None:
    if shutil.which("npm") is None or shutil.which("tmux") is None:
        pytest.skip("npm or tmux is not installed")
    install(cli.project, free_port())
    folder = tmp_path / "bin"
    folder.mkdir()
    with tmux(cli, folder) as pane:
        # With CI set Vite takes no keys.
        pane.enter("CI= persistproc --tty npm run dev")
        pane.wait_for("press h + enter to show help")
        pane.enter("h")
        pane.wait_for("press q + enter to quit")
        pane.detach()
        cli("daemon", "restart", check=0)
        pane.resize(30, 100)
        pane.enter("persistproc attach dev")
        pane.wait_for("press q + enter to quit")
        pane.enter("r")
        pane.wait_for("server restarted")
        pane.enter("q")
        pane.wait_for("dev ended with exit code 0")
    cli("shutdown", "--yes", check=0)


@pytest.mark.timeout(400)
def test_vite(cli: Cli) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    port = free_port()
    install(cli.project, port)
    page = cli.project / "index.html"

    def edit() -> None:
        page.write_text(PAGE.format(version="two"), "utf-8")

    take(cli, Server(["npm", "run", "dev"], port, "ready in", "/", edit, "page reload.*index.html"))
