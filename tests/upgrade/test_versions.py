"""Programs and daemons of different versions meet: copies of the package that differ in their numbers."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from persistproc_core import __version__
from persistproc_core.client import Client
from persistproc_core.errors import VersionMismatch
from tests.cli.support import Terminal
from tests.daemon.hub import Hub
from tests.kit import is_alive, program
from tests.upgrade.conftest import Replace, assert_whole, log_bytes
from tests.upgrade.copies import Copy

SAYS_READY = r"(?m)^        try:\n            self\._channel\.send"
KILLS = """\
        old = os.getppid()
        os.kill(old, 9)
        while os.getppid() == old:
            pass
        try:
            self._channel.send"""
LATE = "        raise RuntimeError('broken')\n"
CHILDREN = 20

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The next version: it speaks protocol 2, serves clients of protocol 1, and can talk to daemons of protocol 1."""
    return Copy(tmp_path_factory.mktemp("newer"), "9.9.0", protocol=2, oldest_protocol=1, oldest_daemon=1)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A version that knows protocol 2 alone."""
    return Copy(tmp_path_factory.mktemp("stranger"), "9.9.9", protocol=2, oldest_protocol=2, oldest_daemon=2)


@pytest.fixture
def run(own: Hub) -> Run:
    """A call of a copy's command line."""

    def call(copy: Copy, *words: str, check: int = 0) -> subprocess.CompletedProcess[str]:
        finished = subprocess.run(
            [*copy.cli, *words],
            cwd=own.project,
            env=copy.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=40,
        )
        assert finished.returncode == check, finished
        assert "Traceback" not in finished.stderr
        return finished

    return call


def test_up_and_down_again_under_children(own: Hub, replace: Replace, newer: Copy) -> None:
    children = {
        f"w{number}": own.start(program("steady_writer", 30 + number), name=f"w{number}")["pid"]
        for number in range(CHILDREN)
    }
    for copy, version in ((newer, "9.9.0"), (None, __version__), (newer, "9.9.0")):
        own.start(["sh", "-c", "sleep 0.2; exit 5"], name=f"before-{version}", fresh=True)
        here = {} if copy else {"environment": dict(os.environ)}
        assert replace(copy, **here)["version"] == version
        assert own.connection.hello["version"] == version
        assert own.call("wait_for_process", f"before-{version}", exit=True)["exit_code"] == 5
        with Client(home=own.daemon.home.path, autostart=False, working_directory=str(own.project)) as client:
            # A client of protocol 1 works with both.
            assert client.hello["protocol"] == (2 if copy else 1)
            assert len(client.list_processes(running=True)["processes"]) == CHILDREN
    assert {name: info["pid"] for name, info in own.list(running=True).items()} == children
    for name in children:
        assert own.stop(name)["state"] == "stopped"
        assert_whole(log_bytes(own, name, "stdout"), b"out")


def test_a_newer_client_and_a_daemon_of_the_former_protocol(own: Hub, newer: Copy, run: Run) -> None:
    """They work together, and the client offers to replace the daemon: on a terminal alone."""
    own.start(program("sleeper"), name="p")
    assert json.loads(run(newer, "daemon", "status", "--json").stdout)["protocol"] == 1
    listed = run(newer, "list")
    assert "p" in listed.stdout
    assert "daemon restart" not in listed.stderr
    shown = _on_terminal(own, newer, "list")
    assert f"the daemon is still version {__version__}, and this is 9.9.0" in shown
    assert shown.count("persistproc daemon restart") == 1
    assert "daemon restart" not in _on_terminal(own, newer, "list", "--json")


def _on_terminal(own: Hub, copy: Copy, *words: str) -> str:
    terminal = Terminal([*copy.cli, *words], own.project, copy.environment)
    try:
        assert terminal.wait() == 0
        return terminal.output.decode()
    finally:
        terminal.close()


def test_strangers(own: Hub, stranger: Copy, run: Run) -> None:
    """Neither knows the other's protocol, and each can replace the daemon of the other."""
    own.start(program("sleeper"), name="p")
    pid = own.status("p")["pid"]
    told = run(stranger, "list", check=76)
    assert "upgrade the daemon" in told.stderr
    assert "persistproc daemon restart" in told.stderr
    assert told.stderr.count("\n") == 1

    old = own.daemon.pid
    said = run(stranger, "daemon", "restart").stdout
    own.forget_connections()
    status = json.loads(run(stranger, "daemon", "status", "--json").stdout)
    own.daemon.pid = status["pid"]
    replaced = f"daemon {__version__} (pid {old}) replaced by 9.9.9 (pid {status['pid']})"
    assert said == f"{replaced}; 1 process was not touched\n"
    assert not is_alive(old)
    assert run(stranger, "list").stdout.splitlines()[1].split()[2] == str(pid)

    with pytest.raises(VersionMismatch, match="upgrade the client"):
        Client(home=own.daemon.home.path, autostart=False).connect()
    with Client(home=own.daemon.home.path, autostart=False, any_protocol=True) as client:
        own.daemon.pid = client.replace_daemon(environment=dict(os.environ))["pid"]
    assert own.status("p")["pid"] == pid
    assert own.connection.hello["version"] == __version__


BROKEN = [
    ("persistproc_core/daemon/app.py", r"(?m)^class Daemon:", "class Daemon(:", "SyntaxError"),
    ("persistproc_core/daemon/registry.py", r"(?m)^import difflib", "import difflib_2", "No module named"),
    ("persistproc_core/daemon/record.py", r"(?m)^_FORMAT = \d+", "_FORMAT = 0", "cannot read what version"),
    # After it has taken over: it has read the journal and said hello to the keeper.
    (
        "persistproc_core/daemon/app.py",
        r"(?m)^        self\._listener = ",
        f"{LATE}        self._listener = ",
        "exited",
    ),
]


def test_broken_copies(own: Hub, tmp_path: Path) -> None:
    pid = own.start(program("steady_writer", 1), name="w")["pid"]
    for number, (file, pattern, text, said) in enumerate(BROKEN):
        broken = Copy(tmp_path, f"9.9.{number}")
        broken.put(file, pattern, text)
        assert said in _refusal(own, broken)
        assert (own.status("w")["pid"], own.state("w")) == (pid, "running")
        assert own.finish("exit 4", name="later", fresh=True)["exit_code"] == 4
    assert own.stop("w")["exit_code"] == 0
    assert_whole(log_bytes(own, "w", "stdout"), b"out")


def test_the_old_one_dies_when_it_has_handed_over(own: Hub, tmp_path: Path) -> None:
    """The new one has all it needs, and serves."""
    pid = own.start(program("sleeper"), name="p", environment={"SECRET": "s"})["pid"]
    killer = Copy(tmp_path, "9.9.9")
    killer.put(
        "persistproc_core/daemon/handover/taking.py", r"(?m)^        try:\n            self\._channel\.send", KILLS
    )
    with own.daemon.connect(60) as connection, pytest.raises(EOFError):
        connection.call("replace_daemon", program=killer.program, environment=killer.environment)
    own.forget_connections()
    with own.daemon.connect() as connection:
        own.daemon.pid = connection.hello["pid"]
        assert connection.hello["version"] == "9.9.9"
    assert own.status("p")["pid"] == pid
    own.stop("p")
    assert own.call("restart_process", "p")["environment_from"] == "run"


def _refusal(own: Hub, copy: Copy) -> str:
    with own.daemon.connect(60) as connection:
        error: dict[str, Any] = connection.error(
            "replace_daemon", {"program": copy.program, "environment": copy.environment}
        )
    own.forget_connections()
    assert error["data"]["error"] == "replace_failed"
    return str(error["message"])
