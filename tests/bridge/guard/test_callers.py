"""Who calls: by what MCP tells, by the relay's headers, by the User-Agent, and by the process at the other end."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistproc_core.protocol import METHODS
from persistproc_core.validation import validate_params
from persistproc_mcp.callers import CLIENT_HEADER, DIRECTORY_HEADER, PID_HEADER, Caller, caller_of
from persistproc_mcp.guard.peer import PEER, Peer, peer_of
from persistproc_mcp.program_names import clean, from_arguments, from_user_agent, is_library
from tests.kit import read_line

linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux is asked")
NOBODY = 65534


def scope(peer: Peer | None = None, **headers: str) -> dict[str, object]:
    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http", "headers": pairs, PEER: peer}


@pytest.fixture
def peer() -> Iterator[Peer]:
    """The other end of it is this process."""
    client, end = socket.socketpair()
    with client, end:
        yield peer_of(end)


@contextlib.contextmanager
def called_by(command: list[str], cwd: Path) -> Iterator[tuple[int, socket.socket]]:
    """The pid of a process that connects to the port it is given, and the server's end of the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        process = subprocess.Popen([*command, port], cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        with process:
            assert process.stdout is not None
            assert process.stdin is not None
            assert read_line(process.stdout) == b"connected"
            end, _ = server.accept()
            with end:
                yield process.pid, end
            process.stdin.close()


@linux
@pytest.mark.anyio
async def test_what_mcp_tells_counts_most(peer: Peer) -> None:
    caller = await caller_of(scope(peer, user_agent="node", persistproc_client="x/1"), name="cursor", version="3.2")
    assert caller == Caller("cursor", "3.2", os.getpid(), os.getcwd())


@linux
@pytest.mark.anyio
async def test_the_relays_headers(peer: Peer) -> None:
    told = {CLIENT_HEADER: "zed/0.9", DIRECTORY_HEADER: "/home/%C3%A4%20b", PID_HEADER: "77"}
    assert await caller_of(scope(peer, user_agent="relay/1", **told)) == Caller("zed", "0.9", 77, "/home/ä b")


@linux
@pytest.mark.anyio
async def test_a_name_without_a_version(peer: Peer) -> None:
    caller = await caller_of(scope(peer, **{CLIENT_HEADER: "zed"}))
    assert (caller.name, caller.version) == ("zed", "")


@linux
@pytest.mark.anyio
@pytest.mark.parametrize(
    "told",
    [
        {DIRECTORY_HEADER: "relative", PID_HEADER: "-1"},
        {DIRECTORY_HEADER: "/a%00b", PID_HEADER: "99999999999999999999"},
        {DIRECTORY_HEADER: "/" + "a" * 5000, PID_HEADER: "½"},
        {DIRECTORY_HEADER: "", PID_HEADER: "0"},
    ],
)
async def test_headers_that_make_no_sense(peer: Peer, told: dict[str, str]) -> None:
    caller = await caller_of(scope(peer, user_agent="curl/8", **told))
    assert caller == Caller("curl", "8", os.getpid(), os.getcwd())


@pytest.mark.anyio
async def test_another_user_with_a_token_speaks_for_itself_alone() -> None:
    told = {CLIENT_HEADER: "zed/0.9", DIRECTORY_HEADER: "/home/a", PID_HEADER: "77"}
    assert await caller_of(scope(Peer(NOBODY, unix=False), user_agent="curl/8", **told)) == Caller("curl", "8")


@pytest.mark.anyio
async def test_nothing_is_known() -> None:
    assert await caller_of(scope()) == Caller("unknown")
    assert await caller_of(scope(Peer(None, unix=False))) == Caller("unknown")


@linux
@pytest.mark.anyio
@pytest.mark.parametrize("agent", ["", "node", "undici", "python-httpx/0.28"])
async def test_a_library_gives_way_to_the_command_line(agent: str, tmp_path: Path) -> None:
    script = tmp_path / "some-agent" / "dist" / "index.py"
    script.parent.mkdir(parents=True)
    script.write_text(
        "import os, socket, sys\n"
        "client = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
        "os.write(1, b'connected\\n')\n"
        "sys.stdin.read()\n",
        encoding="utf-8",
    )
    with called_by([sys.executable, str(script)], tmp_path) as (pid, end):
        assert await caller_of(scope(peer_of(end), user_agent=agent)) == Caller("some-agent", "", pid, str(tmp_path))


@linux
@pytest.mark.anyio
async def test_the_process_is_looked_for_once_for_a_connection(peer: Peer, tmp_path: Path) -> None:
    first = await peer.process()
    assert await peer.process() is first


@pytest.mark.anyio
async def test_whatever_is_said_is_valid_for_the_daemon() -> None:
    told = {CLIENT_HEADER: "\x00" + "\xff" * 500 + "/" + "9" * 500, DIRECTORY_HEADER: "/%ff%0a", PID_HEADER: str(2**31)}
    for caller in (
        await caller_of(scope(Peer(os.getuid(), unix=True), **told)),
        await caller_of(scope(), name="\udcff\x1b" * 500, version="\n" * 500),
    ):
        assert validate_params(METHODS["list_processes"], caller.params())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("claude-code/2.1.330 (sdk-cli)", ("claude-code", "2.1.330")),
        ("codex-mcp-client/0.169.0", ("codex", "0.169.0")),
        ("opencode/1.18.33", ("opencode", "1.18.33")),
        ("node", ("node", "")),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0", ("browser", "")),
        ("curl/7.88.1", ("curl", "7.88.1")),
        ("", ("", "")),
        ("(comment)", ("", "")),
        ("\x1b[31mred", ("", "")),
        ("x" * 500, ("x" * 100, "")),
    ],
)
def test_user_agents(value: str, expected: tuple[str, str]) -> None:
    assert from_user_agent(value) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["/usr/bin/curl", "-s"], "curl"),
        (["node", "/usr/bin/gemini"], "gemini"),
        (["node", "--max-old-space-size=4096", "/usr/lib/node_modules/@google/gemini-cli/dist/index.js"], "gemini-cli"),
        (["/usr/bin/node", "/x/node_modules/@qwen-code/qwen-code/cli.js", "-p", "hi"], "qwen-code"),
        (["python3.12", "-m", "some_agent.server"], "some_agent"),
        (["python3", "-c", "import x"], "python3"),
        (["claude"], "claude"),
        (["-bash"], "bash"),
        (["/opt/cursor/cursor", "--type=utility"], "cursor"),
        (["opencode serve --port 1"], "opencode"),
        (["bun", "run", "index.ts"], "bun"),
        (["env", "A=b", "/x/agent.sh"], "agent"),
        ([""], ""),
        ([], ""),
    ],
)
def test_command_lines(arguments: list[str], expected: str) -> None:
    assert from_arguments(arguments) == expected


def test_names_are_one_line() -> None:
    assert clean(" a\nb\x1b[31m\tc ") == "a b [31m c"
    assert clean("gemini-cli-mcp-client") == "gemini-cli"
    assert clean("mcp-client") == "mcp-client"
    assert is_library("Undici")
    assert not is_library("cursor")
