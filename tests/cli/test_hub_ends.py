"""The daemon is stopped, restarted or killed, or is of another version, while somebody looks through it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistproc_core.paths import Home
from tests.cli.support import Cli
from tests.kit import Daemon, program, read_line, read_until

# A daemon of another version, as far as it can be told from outside: a hello, and an end at SIGTERM.
OTHER_VERSION = """
import json, os, socket, sys
path, protocol, pid, mute = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) or os.getpid(), sys.argv[4:]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(8)
print("ready", flush=True)
def serve(connection):
    hello = {"protocol": protocol, "version": "9.9", "pid": pid, "instance": "other"}
    send(connection, {"method": "hello", "params": hello})
    for line in connection.makefile("rb") if not mute else ():
        request = json.loads(line)
        reply = {"error": {"code": -32601, "message": "no such method"}}
        if request["method"] == "shutdown_daemon":
            os.unlink(path)
            reply = {"result": {"pid": pid, "stopped": [], "left_running": ["shop/web"]}}
        send(connection, {"id": request["id"], **reply})
        if "result" in reply:
            sys.exit(0)
def send(connection, message):
    connection.sendall(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\\n")
while True:
    with listener.accept()[0] as connection:
        try:
            serve(connection)
        except OSError:
            pass  # it only wanted to know who we are
"""


def test_stopping_the_daemon_detaches_who_looks(cli: Cli, daemon: Daemon) -> None:
    cli("start", "--name", "web", *program("sleeper"), check=0)
    with cli.start(*program("sleeper")) as runner, cli.start("logs", "-n", "all", "-f", "web") as follower:
        for process in (runner, follower):
            assert process.stdout is not None
            assert read_line(process.stdout, 20) == b"ready"
        cli("daemon", "stop", check=0)
        told = [process.communicate(timeout=20)[1].decode() for process in (runner, follower)]

    for process, text in zip((runner, follower), told, strict=True):
        assert process.returncode == 0
        assert "the hub was stopped; web (pid" in text
        assert "still runs" in text
        assert "persistproc logs -f web" in text
    assert not os.path.exists(cli.home.socket)
    # It did go on: the next one that needs a daemon starts one, and finds it.
    assert cli.processes()[0]["state"] == "running"
    daemon.pid = int(str(cli.json("daemon", "status", "--json")["pid"]))


def test_restarting_the_daemon_is_not_noticed(cli: Cli, daemon: Daemon) -> None:
    with cli.start("run", "--on-exit", "stop", "--", *program("steady_writer", 2)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert read_line(process.stdout, 20) == b"out 0"
        cli("daemon", "restart", check=0)
        daemon.pid = int(str(cli.json("daemon", "status", "--json")["pid"]))
        count = 100 + int(read_line(process.stdout, 20).split()[1])
        shown = read_until(process.stdout.fileno(), b"out %d\n" % count, 30)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert shown.splitlines()[0] == b"out 2"
    assert process.returncode == 130


def test_shutting_all_down_tells_how_it_ended(cli: Cli, daemon: Daemon) -> None:
    with cli.start("--name", "web", *program("sleeper")) as process:
        assert process.stdout is not None
        assert read_line(process.stdout, 20) == b"ready"
        # Who asks for what comes only when it is all over hears that it is over, and no more.
        cli.looked_at("web")
        cli("shutdown", "--yes", check=0)
        _out, err = process.communicate(timeout=20)

    assert process.returncode == 128 + signal.SIGTERM
    assert b"web was stopped (SIGTERM) by persistproc-cli: shutdown" in err
    assert not os.path.exists(cli.home.socket)
    daemon.start()


def test_a_wait_does_not_start_the_daemon_again(cli: Cli, daemon: Daemon) -> None:
    cli.began("web", *program("sleeper"))
    with cli.start("wait", "web", "--exit") as process:
        cli.looked_at("web")
        with cli.start("logs", "-f", "web") as follower:
            # Both are told.
            assert follower.stdout is not None
            assert read_line(follower.stdout, 20) == b"ready"
            cli("daemon", "stop", check=0)
            follower.communicate(timeout=20)
            _out, err = process.communicate(timeout=20)

    assert process.returncode == 69
    assert b"the daemon was stopped" in err
    assert not os.path.exists(cli.home.socket)
    daemon.start()


@pytest.fixture
def other(home: Home, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon of another version; the parameter is its protocol, and the pid that it says (0: its own)."""
    words = [str(word) for word in request.param]
    with subprocess.Popen(
        [sys.executable, "-c", OTHER_VERSION, home.socket, *words], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert read_line(process.stdout, 20) == b"ready"
        yield process
        process.kill()


NEWER, OLDER = (2, 0), (0, 0)
RESTART = "persistproc daemon restart"


@pytest.mark.parametrize(
    ("other", "upgrade", "command"),
    [(NEWER, "upgrade the client", "pip install --upgrade"), (OLDER, "upgrade the daemon", RESTART)],
    indirect=["other"],
)
def test_another_protocol(
    home: Home, tmp_path: Path, other: subprocess.Popen[bytes], upgrade: str, command: str
) -> None:
    cli = Cli(home, tmp_path)
    for words in ("list", "true", "stop web", "logs web", "shutdown --yes"):
        told = cli(*words.split(), check=76)
        assert told.stdout == ""
        assert told.stderr.count("\n") == 1
        assert upgrade in told.stderr
        assert command in told.stderr
    error = json.loads(cli("list", "--json", check=76).stderr)["error"]
    assert error["daemon"]["pid"] == other.pid
    assert upgrade in cli("doctor", check=1).stdout
    cli("version", check=0)

    assert other.poll() is None
    stopped = cli("daemon", "stop", check=0).stdout
    assert f"pid {other.pid}" in stopped
    assert "shop/web" in stopped
    assert other.wait(10) == 0


@pytest.mark.parametrize("other", [(2, 0, "mute")], indirect=True)
def test_one_that_does_not_answer_is_ended(home: Home, tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    told = Cli(home, tmp_path)("daemon", "stop", check=0)
    assert f"pid {other.pid}" in told.stdout
    assert "by a signal" in told.stderr
    assert other.wait(10) == -signal.SIGTERM


@pytest.mark.parametrize("other", [(2, os.getpid(), "mute"), (2, 1, "mute")], indirect=True)
def test_only_the_listener_of_the_socket_is_ended(home: Home, tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    cli = Cli(home, tmp_path)
    cli("daemon", "stop", check=69)
    cli("daemon", "restart", "--json", check=69)

    assert other.poll() is None


@pytest.mark.parametrize("other", [OLDER, (1, 0, "mute")], indirect=True)
def test_a_restart_ends_who_cannot_hand_over(home: Home, tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    cli = Cli(home, tmp_path)
    restarted = cli.json("daemon", "restart", "--json")
    assert other.wait(10) in (0, -signal.SIGTERM)
    assert (restarted["how"], restarted["previous_pid"]) == ("ended and started", other.pid)
    assert restarted["pid"] == cli.json("daemon", "status", "--json")["pid"]
    cli("shutdown", "--yes", check=0)
