"""Where a browser finds a process: as it printed it, else by its port."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from persistproc_core.daemon.ports.urls import guessed
from tests.daemon.hub import Hub
from tests.kit import free_port, program


def shown(hub: Hub, text: str, *, address: str = "127.0.0.1", **params: Any) -> tuple[str | None, str | None, int]:
    """The URL of a listener that prints this, that of its one port, and the port."""
    port = free_port()
    hub.ready(program("listener", port, address, text), name="web", **params)
    info = hub.status("web")
    assert hub.list()["web"]["url"] == info["url"]
    return info["url"], info["ports"][0]["url"], port


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("  Local:   http://localhost:PORT/app/?token=1a2b", "http://localhost:PORT/app/?token=1a2b"),
        ("\x1b[32m->\x1b[39m Local: \x1b[36mhttp://localhost:\x1b[1mPORT\x1b[22m/\x1b[39m", "http://localhost:PORT/"),
        ("Listening on http://0.0.0.0:PORT", "http://localhost:PORT"),
        ("Uvicorn running on https://127.0.0.1:PORT (Press CTRL+C to quit)", "https://127.0.0.1:PORT"),
        ("see http://localhost:1/ and http://example.com:PORT/", "http://localhost:PORT"),
        ("nothing", "http://localhost:PORT"),
    ],
)
def test_what_it_printed(hub: Hub, text: str, told: str) -> None:
    url, of_port, port = shown(hub, text)
    assert url == of_port == told.replace("PORT", str(port))


def test_one_that_ended_has_none(hub: Hub) -> None:
    shown(hub, "http://localhost:PORT/")
    hub.stop("web")
    assert hub.status("web")["url"] is None


def test_the_first_declared_port(hub: Hub) -> None:
    """Not the one that it printed first, nor the lowest."""
    script = (
        "import signal, socket, sys; "
        "kept = [socket.create_server(('127.0.0.1', int(port))) for port in sys.argv[1:]]; "
        "[print('ready', f'http://localhost:{port}/', flush=True) for port in sys.argv[1:]]; "
        "signal.pause()"
    )
    command = [*program("sleeper")[:3], "-c", script, "{ports.debug}", "{ports.web}"]
    info = hub.ready(command, name="web", ports=[{"name": "web"}, {"name": "debug"}])
    assert hub.status("web")["url"] == f"http://localhost:{info['assigned_ports']['web']}/"


def test_read_once_and_only_its_beginning(hub: Hub, tmp_path: Path) -> None:
    url, _, port = shown(hub, "x" * 70_000 + "\nhttp://localhost:PORT/")
    assert url in (f"http://localhost:{port}", f"http://localhost:{port}/")
    assert hub.status("web")["url"] == f"http://localhost:{port}/"


@pytest.mark.parametrize(
    ("port", "address", "url"),
    [
        (3000, "127.0.0.1", "http://localhost:3000"),
        (3000, "::", "http://localhost:3000"),
        (3000, "192.168.1.2", "http://192.168.1.2:3000"),
        (3000, "fe80::1", "http://[fe80::1]:3000"),
        (80, "0.0.0.0", "http://localhost"),
        (443, "0.0.0.0", "https://localhost"),
        (8443, "0.0.0.0", "https://localhost:8443"),
        (5432, "127.0.0.1", None),
        (6379, "0.0.0.0", None),
        (9229, "127.0.0.1", None),
    ],
)
def test_guessed(port: int, address: str, url: str | None) -> None:
    assert guessed(port, address) == url


def test_a_program_that_speaks_no_http(hub: Hub, tmp_path: Path) -> None:
    """Behind a shell script, on whatever port."""
    server = tmp_path / "redis-server"
    listener = program("listener")
    server.write_text(f"#!{listener[0]} -IS\n{Path(listener[-1]).read_text('utf-8')}", encoding="utf-8")
    server.chmod(0o755)
    info = hub.ready(["sh", "-c", f"{server} $PORT; true"], name="cache", ports=[{}])
    assert info["assigned_ports"]["port"] == hub.status("cache")["ports"][0]["port"]
    assert hub.status("cache")["url"] is None
