"""``persistproc agent install`` asks the running bridge where it is, and what it wants to see."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from persistproc_core.paths import Home
from tests.cli.support import Cli
from tests.kit.bridge import Bridge


def install(home: Home, folder: Path, *words: str, check: int = 0) -> str:
    """Run it in a home directory of its own; returns what it wrote, or said when it failed."""
    done = Cli(home, folder)("agent", "install", "cursor", *words, env={"HOME": str(folder)}, check=check)
    return (folder / ".cursor" / "mcp.json").read_text("utf-8") if check == 0 else done.stderr


def test_the_real_port(bridge: Bridge, tmp_path: Path) -> None:
    written = json.loads(install(bridge.home, tmp_path))
    assert written == {"mcpServers": {"persistproc": {"url": bridge.mcp_url}}}


def test_a_token_and_no_port(new_bridge: Callable[..., Bridge], tmp_path: Path) -> None:
    bridge = new_bridge()
    bridge.start("--token")
    written = json.loads(install(bridge.home, tmp_path))["mcpServers"]["persistproc"]
    token = Path(bridge.home.token).read_text("ascii").strip()
    assert written == {"url": bridge.mcp_url, "headers": {"Authorization": f"Bearer {token}"}}
    Cli(bridge.home, tmp_path)("serve", "--stop", check=0)
    bridge.start("--no-port")
    assert "serves no port" in install(bridge.home, tmp_path, check=1)
    assert "--home" in install(bridge.home, tmp_path, "--stdio")


def test_something_else_on_the_socket(home: Home, tmp_path: Path) -> None:
    import socket
    import threading

    home.ensure()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(home.bridge_socket)
        listener.listen()

        def answer() -> None:
            with listener.accept()[0] as connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n{}")

        thread = threading.Thread(target=answer)
        thread.start()
        assert "does not answer: its answer makes no sense" in install(home, tmp_path, check=69)
        thread.join(10)
    Path(home.bridge_socket).unlink()
