"""The bridge as a process: how it starts, what it says, how it ends."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shlex
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from persistproc_core.client.sync import Client
from persistproc_core.paths import resolve_home
from persistproc_mcp.serving.wanted import Outcome, Wanted, as_before, facts_to_keep
from persistproc_mcp.serving.words import greeting
from persistproc_mcp.settings import Settings, about
from tests.bridge.relay import Relay, modern, text_of
from tests.cli.support import Cli
from tests.kit import Guard, eventually, free_port, is_alive, marked, program, wait_gone
from tests.kit.bridge import Bridge
from tests.kit.guard import TEST_VARIABLE

ENDS_WITHIN = 10.0
"""It takes two seconds at most; a bridge that waited for what is under way would take a minute, or for ever."""


@pytest.fixture
def served(bridge: Bridge, tmp_path: Path) -> Cli:
    """The command line in the home of the shared bridge."""
    return Cli(bridge.home, tmp_path)


@pytest.fixture
def alone(new_bridge: Callable[..., Bridge], tmp_path: Path) -> Cli:
    """The command line in a home where nothing runs; what it starts is ended."""
    return Cli(new_bridge().home, tmp_path)


def test_a_socket_a_lock_and_a_log_are_all_that_it_writes(bridge: Bridge) -> None:
    names = {path.name: path for path in Path(bridge.home.path).iterdir()}
    daemons = {"sock", "lock", "start.lock", "daemon.log", "keeper", "runs", "events.jsonl", "marks.json"}
    assert set(names) - daemons - {"approved.json", "leases.json"} == {"mcp.sock", "bridge.lock", "bridge.log"}
    for name in ("mcp.sock", "bridge.lock", "bridge.log"):
        assert stat.S_IMODE(names[name].lstat().st_mode) == 0o600, name


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_daemon_carries_nothing_of_the_web(bridge: Bridge, tmp_path: Path) -> None:
    with Relay(bridge.home, tmp_path) as relay, bridge.client() as hub:
        assert "no process" in text_of(relay.call("list_processes"))
        daemon = hub.hello["pid"]
    libraries = {pid: Path(f"/proc/{pid}/maps").read_text("utf-8", "replace") for pid in (bridge.pid, daemon)}
    assert "pydantic_core" in libraries[bridge.pid]
    assert not re.search("pydantic|websockets|httptools|uvloop", libraries[daemon])


def test_an_answer_does_not_wait_for_an_acknowledgement(bridge: Bridge) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", bridge.port, timeout=10)
    took = []
    with contextlib.closing(connection):
        for _ in range(20):
            begun = time.monotonic()
            connection.request("GET", "/health")
            assert connection.getresponse().read()
            took.append(time.monotonic() - begun)
    # Of a busy machine the best ones tell; the delayed acknowledgement of Linux takes 40 ms at each.
    assert sorted(took)[5] < 0.03, took


def test_its_status(bridge: Bridge, served: Cli) -> None:
    told = served.json("serve", "--status", "--json")
    assert told["pid"] == bridge.pid
    assert told["url"] == bridge.url
    assert told["home"] == bridge.home.path
    assert told["token_needed"] is False
    shown = served("serve", "--status", check=0).stdout
    assert f"{bridge.url}/mcp/" in shown
    assert f"pid {bridge.pid}" in shown


@pytest.mark.parametrize("words", [["serve"], ["--serve"], ["serve", "--detach"], ["serve", "--port", "0"]])
def test_a_home_that_is_served_already(bridge: Bridge, served: Cli, words: list[str]) -> None:
    shown = served(*words, check=0).stdout
    assert shown.startswith(f"All is well: {bridge.url}/mcp/ is served already (pid {bridge.pid}")
    assert is_alive(bridge.pid)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--port", "1"], "not on 1"),
        (["--host", "127.0.0.2"], "not on 127.0.0.2"),
        (["--token"], "without a token"),
    ],
)
def test_a_home_that_is_served_in_another_way(bridge: Bridge, served: Cli, words: list[str], problem: str) -> None:
    error = served("serve", *words, check=1).stderr
    assert f"a bridge (pid {bridge.pid}) serves this home already" in error
    assert problem in error
    # Agents have the old URL, or no token, in their configuration.
    assert "serve --stop" in error
    assert "agent install" in error


def test_a_port_that_another_home_is_served_on(bridge: Bridge, alone: Cli) -> None:
    error = alone("serve", "--port", str(bridge.port), check=1).stderr
    assert f"another persistproc has it (home {bridge.home.path}, pid {bridge.pid})" in error
    assert "--port N" in error
    document = json.loads(alone("serve", "--detach", "--json", "--port", str(bridge.port), check=1).stderr)
    assert document["error"]["code"] == "port_taken"
    assert not os.path.exists(alone.home.bridge_socket)


@pytest.mark.parametrize(
    ("words", "exit_code", "problem"),
    [
        (["--host", "0.0.0.0"], 2, "add --token"),
        (["--host", "nowhere.invalid"], 2, "no address of this machine"),
        (["--port", "65536"], 2, "0 to 65535"),
        (["--detach", "--stop"], 2, "exclude each other"),
        (["--host", "192.0.2.1", "--token"], 1, "cannot listen on 192.0.2.1"),
    ],
)
def test_what_cannot_be_served(alone: Cli, words: list[str], exit_code: int, problem: str) -> None:
    assert problem in alone("serve", *words, check=exit_code).stderr
    assert not os.path.exists(alone.home.bridge_socket)


def test_nothing_runs(alone: Cli) -> None:
    assert "no bridge serves" in alone("serve", "--status", check=1).stdout
    assert alone("serve", "--status", "--json", check=1).stdout == "null\n"
    assert alone("serve", "--stop", check=0).stdout == "no bridge runs\n"


def test_a_token_that_others_may_read(alone: Cli) -> None:
    Path(alone.home.token).write_text("secret\n", "ascii")
    error = alone("serve", "--token", "--port", "0", check=1).stderr
    assert f"run: chmod 600 {alone.home.token}" in error
    assert "secret" not in error


@pytest.mark.parametrize("kind", ["a link", "a folder", "a pipe"])
def test_a_token_that_is_no_file(alone: Cli, tmp_path: Path, kind: str) -> None:
    token = Path(alone.home.token)
    token.parent.mkdir(mode=0o700, exist_ok=True)
    if kind == "a link":
        token.symlink_to(tmp_path / "elsewhere")
    elif kind == "a folder":
        token.mkdir()
    else:
        os.mkfifo(token, 0o600)
    error = alone("serve", "--token", "--port", "0", check=1).stderr
    assert ("it is a symbolic link" if kind == "a link" else "it is no file") in error


def test_the_life_of_a_bridge_in_front_of_somebody(alone: Cli) -> None:
    with alone.terminal("serve", "--port", "0") as terminal:
        shown = terminal.wait_for("Ctrl-C ends the bridge")
        url = re.search(r"Serving (http://127\.0\.0\.1:\d+)/mcp/ \(pid (\d+), daemon pid \d+\)", shown)
        assert url is not None, shown
        assert "claude mcp add --transport http" in shown
        with contextlib.ExitStack() as stack:
            # The first request is answered, and these are under way when the end comes.
            relay = stack.enter_context(Relay(alone.home, alone.project))
            command = " ".join(program("sleeper"))
            assert "web" in text_of(relay.call("start_process", command=command, name="web", output="ready"))
            relay.send("subscriptions/listen", modern(notifications={"resourcesListChanged": True}))
            relay.until(relay.notifications)
            relay.send("tools/call", {"name": "wait_for_process", "arguments": {"process": "web", "exit": True}})
            events = stack.enter_context(socket.create_connection(url[1].removeprefix("http://").split(":")))  # type: ignore[arg-type]
            follow = f"GET /api/events HTTP/1.1\r\nHost: {url[1].removeprefix('http://')}\r\n\r\n"
            events.sendall(follow.encode())
            assert events.recv(12) == b"HTTP/1.1 200"
            idle = stack.enter_context(socket.socket(socket.AF_UNIX))
            idle.connect(alone.home.bridge_socket)
            begun = time.monotonic()
            terminal.type("\x03")
            shown = terminal.wait_for(r"The bridge has ended; .*\n")
            # Before it: else the relay would start the next one for what it has under way.
            relay.child.kill()
            assert terminal.wait() == 0
            assert time.monotonic() - begun < ENDS_WITHIN
        assert "goes on" in shown
        assert f"1 running: {alone.project.name}/web" in shown
    with contextlib.closing(alone):
        assert alone.hub.get_process_status(process="web")["state"] == "running"
    wait_gone(int(url[2]))


def test_the_life_of_a_bridge_in_the_background(alone: Cli) -> None:
    home = alone.home
    home.ensure()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(home.bridge_socket)
    finished = alone("serve", "--detach", "--port", "0", "--token", "--json", check=0)
    told = json.loads(finished.stdout)
    assert told["token_needed"] is True
    assert stat.S_IMODE(os.stat(home.token).st_mode) == 0o600
    assert os.getsid(told["pid"]) != os.getsid(0)
    # Nobody who waits for the end of our output waits for the bridge.
    assert {os.readlink(f"/proc/{told['pid']}/fd/{fd}") for fd in (0, 1, 2)} == {"/dev/null"}
    shown = alone("serve", check=0).stdout
    token = Path(home.token).read_text("ascii").strip()
    assert f"Bearer $(cat {home.token})" in shown
    assert token not in shown + finished.stdout + Path(home.bridge_log).read_text("utf-8")
    assert http_status(told["port"], None) == 401
    assert http_status(told["port"], token) == 200
    os.kill(told["pid"], signal.SIGHUP)
    begun = time.monotonic()
    shown = alone("serve", "--stop", check=0).stdout
    assert time.monotonic() - begun < ENDS_WITHIN
    assert shown == f"the bridge has ended (pid {told['pid']}); the daemon and all processes go on\n"
    assert not os.path.exists(home.bridge_socket)
    with Client(home=home.path, autostart=False) as client:
        assert client.hello["pid"] == told["daemon"]["pid"]


def test_the_next_one_serves_as_the_last_one_did(alone: Cli) -> None:
    port = free_port()
    first = alone("serve", "--detach", "--port", str(port), "--token", "--json", check=0).stdout
    assert alone("serve", "--status", "--json", check=0).stdout == first
    alone("serve", "--stop", check=0)
    with Relay(alone.home, alone.project) as relay:
        assert "no process" in text_of(relay.call("list_processes"))
    told = alone.json("serve", "--status", "--json")
    assert (told["port"], told["token_needed"]) == (port, True)
    alone("serve", "--stop", check=0)
    assert alone.json("serve", "--detach", "--json")["port"] == port
    alone("serve", "--stop", check=0)
    other = alone.json("serve", "--detach", "--port", "0", "--json")
    assert other["port"] != port
    assert other["token_needed"] is False


def test_what_the_next_one_does_not_take_over() -> None:
    home = resolve_home("/nowhere")
    wanted = Wanted(home, host="0.0.0.0", port=0, token=True)
    facts = facts_to_keep(wanted, 4711)
    assert as_before(Wanted(home), facts) == Wanted(home, token=True)
    assert as_before(Wanted(home), facts_to_keep(Wanted(home, no_port=True), None)) == Wanted(home)
    kept = facts_to_keep(Wanted(home, host="::1", port=4711), 4711)
    assert as_before(Wanted(home), kept) == Wanted(home, host="::1", port=4711)
    assert as_before(Wanted(home, port=1), kept) == Wanted(home, port=1)


@pytest.mark.parametrize("token", [False, True])
def test_what_is_told_fits_and_can_be_typed(token: bool) -> None:
    home = resolve_home("~/.persistproc")
    told = about(Settings(home, token="secret" if token else None), None)
    shown = greeting(Outcome(told, already=False), detached=True)
    assert "..." not in shown
    assert "secret" not in shown
    assert all(len(line) <= 80 or "by hand" in line or "--header" in line for line in shown.splitlines())
    [command] = re.findall(r"(claude (?:.*\\\n)+.*)", shown)
    words = shlex.split(command.replace("\\\n", " "))
    assert words[:8] == "claude mcp add --transport http --scope user persistproc".split()
    assert words[8] == "http://127.0.0.1:8947/mcp/"
    assert words[9:] == (["--header", f"Authorization: Bearer $(cat {home.token})"] if token else [])


def http_status(port: int, token: str | None) -> int:
    header = f"Authorization: Bearer {token}\r\n" if token else ""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        head = f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{header}Connection: close\r\n\r\n"
        connection.sendall(head.encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_two_start_at_once_and_the_port_is_a_strangers(alone: Cli, guard: Guard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger, contextlib.ExitStack() as stack:
        port = str(stranger.getsockname()[1])
        error = alone("serve", "--port", port, check=1).stderr
        assert f"port {port} of 127.0.0.1 is taken: pid {os.getpid()} (" in error
        relays = [stack.enter_context(Relay(alone.home, alone.project, "--port", port)) for _ in range(3)]
        asked = [relay.send("tools/call", {"name": "list_processes", "arguments": {}}) for relay in relays]
        for relay, request in zip(relays, asked, strict=True):
            assert "no process" in text_of(relay.reply(request))
        told = alone.json("serve", "--status", "--json")
        serving = int(str(told["pid"]))
        # One serves, and one watches it. Those that came too late may take a moment to end.
        bridges = [serving, psutil.Process(serving).ppid()]
        eventually(lambda: sorted(bridges_of(guard)) == sorted(bridges), 10, f"only {bridges}")
        assert told["url"] is None
        assert f"pid {os.getpid()} (" in str(told["port_problem"])
        assert "on its socket alone" in alone("serve", check=1).stderr
        assert [relay.end() for relay in relays] == [0, 0, 0]
    assert all(is_alive(pid) for pid in bridges)
    assert "on its socket alone" in finding(alone, "bridge")
    assert f"bridge ended (pid {serving})\n" in alone("shutdown", "--yes", check=0).stdout
    for pid in bridges:
        wait_gone(pid)
    assert finding(alone, "bridge").startswith("not running")


def finding(cli: Cli, check: str) -> str:
    """What the doctor says of something."""
    document: Any = cli.json("doctor", "--json")
    return next(str(one["text"]) for one in document["findings"] if one["check"] == check)


def bridges_of(guard: Guard) -> list[int]:
    return [pid for pid in marked(TEST_VARIABLE, guard.token) if b"persistproc_mcp" in command_of(pid)[:3]]


def command_of(pid: int) -> list[bytes]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended since
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return []
