"""--port, and persistproc port, url and open."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cli.support import Cli
from tests.kit import eventually, free_port, program

LISTENER = program("listener", "{port}", "127.0.0.1", "see http://localhost:PORT/app?token=1a")


@pytest.fixture
def web(cli: Cli) -> int:
    """A process that listens on a port that it was given, and on no other of its two; the port."""
    started = cli("start", "--name", "web", "--port", "auto", "--port", "hmr=auto", "--", *LISTENER, check=0)
    port = int(cli("port", "web", check=0).stdout)
    assert f"its ports: port {port}, hmr " in started.stderr
    cli("wait", "web", "--port", str(port), "--timeout", "10", check=0)
    cli("wait", "web", "--output", "^ready", "--timeout", "10", check=0)
    return port


def test_what_is_shown_of_ports(cli: Cli, web: int) -> None:
    url = f"http://localhost:{web}/app?token=1a"
    hmr = int(cli("port", "web", "hmr", check=0).stdout)
    titles, first, second = cli("port", check=0).stdout.splitlines()
    assert titles.split() == ["PROCESS", "NAME", "PORT", "LISTENS", "URL"]
    assert first.split() == ["web", "port", str(web), "yes", url]
    assert second.split() == ["web", "hmr", str(hmr), "no", "-"]
    assert cli.json("port", "web", "--json") == {"name": "web", "port": web, "ports": {"port": web, "hmr": hmr}}
    assert cli.json("port", "--json")["ports"] == [
        {"process": "web", "name": "port", "port": web, "listens": True, "url": url},
        {"process": "web", "name": "hmr", "port": hmr, "listens": False, "url": None},
    ]
    assert cli("url", "web", check=0).stdout == f"{url}\n"
    assert cli("url", check=0).stdout == f"web  {url}\n"
    titles, row = cli("list", check=0).stdout.splitlines()
    assert row[titles.index("URL") :].split()[0] == url.partition("?")[0]
    status = cli("status", "web", check=0).stdout
    assert f"127.0.0.1:{web} (port), {hmr} (hmr, nobody listens)" in status
    assert f"url          {url}\n" in status


def test_who_holds_a_port(cli: Cli, web: int) -> None:
    held = cli("port", f":{web}", check=0).stdout.splitlines()
    assert held[0].startswith(f"port {web}: shop/web, pid ")
    assert ", started by the command line in " in held[0]
    assert held[1] == "it is kept for shop/web"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        stranger = cli("port", f":{port}", check=0).stdout
    assert f"persistproc adopt :{port}" in stranger
    assert cli("port", f":{port}", check=0).stdout == f"nobody listens on port {port}\n"
    assert cli.json("port", f":{port}", "--json") == {"port": port, "holder": None, "leased_to": None}


def test_in_the_browser(cli: Cli, web: int, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}.new; mv {opened}.new {opened}\n', encoding="utf-8")
    browser.chmod(0o755)
    variables = {"BROWSER": str(browser)}
    url = f"http://localhost:{web}/app?token=1a"
    assert cli("open", env=variables, check=0).stdout == f"opened {url}\n"
    eventually(opened.exists, within=10, what="the browser is started")
    assert opened.read_text(encoding="utf-8") == f"{url}\n"


def test_a_taken_port(cli: Cli, web: int) -> None:
    refused = cli("start", "--name", "other", "--port", str(web), "--", "sleep", "60", check=1)
    assert f"port {web} is taken: shop/web (pid " in refused.stderr
    assert "stop it with persistproc stop shop/web, or take a free port: --port auto" in refused.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("start", "--port", "auot", "--", "true"), "--port needs a number from 1 to 65535, or auto, not 'auot'"),
        (("start", "--port", "=auto", "--", "true"), "the name is missing"),
        (("start", "--port", "70000", "--", "true"), "--port needs a number"),
        (("start", "--port", "auto:x", "--", "true"), "--port needs a number"),
        (("port", ":x"), "there is no port 'x'"),
        (("port", ":1", "x"), "port does not take 'x'"),
    ],
)
def test_what_is_not_understood(cli: Cli, words: tuple[str, ...], told: str) -> None:
    assert told in cli(*words, check=2).stderr


def test_one_without_a_port(cli: Cli) -> None:
    preferred = free_port()
    cli("start", "--name", "db", "--", "sleep", "60", check=0)
    assert "persistproc wait db --any-port" in cli("port", "db", check=1).stderr
    assert "persistproc wait db --any-port" in cli("url", "db", check=1).stderr
    assert "has no port 'x'" in cli("port", "db", "x", check=2).stderr
    assert "no process of this project has a port" in cli("port", check=0).stderr
    assert "no process of this project has a URL" in cli("url", check=0).stderr
    assert "no process of this project has a URL" in cli("open", check=1).stderr
    assert "persistproc port :99999" in cli("port", "99999", check=3).stderr
    cli("stop", "db", check=0)
    assert "db does not run" in cli("url", "db", check=1).stderr
    cli("start", "--name", "new", "--port", f"auto:{preferred}", "--", "sleep", "60", check=0)
    assert cli("port", "new", check=0).stdout == f"{preferred}\n"
    joined = cli("start", "--name", "new", "--port", "3000", "--", "sleep", "60", check=0).stderr
    assert joined.count("differs: ") == 1, "what follows from the port is not told as well"
    assert "differs: ports: you asked for port 3000" in joined
