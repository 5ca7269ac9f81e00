"""The daemon as a service: what it tells its manager, and what becomes of a daemon that was there before."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from persistproc_core.client.sync import Client
from persistproc_core.daemon.notify import Notifier, take_from_environment
from persistproc_core.daemon.taking_over import lock_instead_of_other
from persistproc_core.errors import DaemonUnavailable
from persistproc_core.paths import Home
from tests.daemon.hub import Hub, in_thread
from tests.kit import Daemon, Guard
from tests.kit.daemon import environment
from tests.kit.procs import is_alive, wait_gone
from tests.kit.programs import program


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, guard: Guard, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """The socket of a service manager, and the value of NOTIFY_SOCKET."""
    address = str(tmp_path / "notify") if request.param == "path" else f"@persistproc-{guard.token}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(20)
        listener.bind(address.replace("@", "\0"))
        yield listener, address


def test_what_is_said_to_the_manager(manager: tuple[socket.socket, str]) -> None:
    listener, address = manager
    variables = {"NOTIFY_SOCKET": address, "INVOCATION_ID": "1", "LISTEN_FDS": "1", "PATH": "/bin"}
    notifier = take_from_environment(variables)
    assert variables == {"PATH": "/bin"}
    assert notifier.variables == {"NOTIFY_SOCKET": address}
    notifier.ready()
    notifier.stopping()
    assert [listener.recv(100), listener.recv(100)] == [b"READY=1", b"STOPPING=1"]


def test_another_main_process(manager: tuple[socket.socket, str]) -> None:
    listener, address = manager
    notifier = Notifier(address)
    said: list[bytes] = []

    def read() -> None:
        said.append(listener.recv(100))
        message, descriptors, _, _ = socket.recv_fds(listener, 100, 1)
        said.append(message)
        os.close(descriptors[0])  # the answer: all before it has been read

    from threading import Thread

    reader = Thread(target=read)
    reader.start()
    notifier.hand_over(4711)
    reader.join(20)
    assert said == [b"MAINPID=4711", b"BARRIER=1"]
    notifier.stopping()
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.recv(100)


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "vsock:2:1234", "@nobody-listens"])
def test_a_manager_that_is_not_there(address: str) -> None:
    notifier = Notifier(address)
    notifier.ready()
    notifier.hand_over(1)
    assert notifier.variables == {}


@pytest.fixture
def service(guard: Guard, manager: tuple[socket.socket, str]) -> Iterator[Callable[[Daemon], subprocess.Popen[bytes]]]:
    """Starts the service's daemon in the home of a daemon."""
    started: list[subprocess.Popen[bytes]] = []

    def start(daemon: Daemon) -> subprocess.Popen[bytes]:
        variables = environment(daemon.home, NOTIFY_SOCKET=manager[1], INVOCATION_ID="1")
        words = [sys.executable, "-m", "persistproc_core.daemon", "--take-over"]
        started.append(subprocess.Popen(words, cwd="/", env=variables, stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_the_service_takes_the_place_of_another_daemon(
    own: Hub, service: Callable[[Daemon], subprocess.Popen[bytes]], manager: tuple[socket.socket, str]
) -> None:
    web = own.ready(program("sleeper"), name="web")
    keeper = own.keeper_pid()
    before = own.daemon.pid
    own.forget_connections()
    process = service(own.daemon)
    assert manager[0].recv(100) == b"READY=1"
    wait_gone(before)
    assert own.connection.hello["pid"] == process.pid
    assert (own.status("web")["pid"], own.state("web"), own.keeper_pid()) == (web["pid"], "running", keeper)

    # What was said to the service is not said to its processes, nor to the keeper.
    two = own.ready(program("sleeper"), name="two")
    for pid in (keeper, two["pid"], process.pid):
        names = {entry.partition(b"=")[0] for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")}
        assert (b"NOTIFY_SOCKET" in names) == (pid == process.pid)
    own.forget_connections()
    process.send_signal(signal.SIGTERM)
    assert manager[0].recv(100) == b"STOPPING=1"
    assert process.wait(20) == 0
    assert is_alive(web["pid"])
    own.daemon.start()  # for the end of the test


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_the_successor_of_the_service_is_the_service(
    own: Hub, service: Callable[[Daemon], subprocess.Popen[bytes]], manager: tuple[socket.socket, str]
) -> None:
    own.forget_connections()
    process = service(own.daemon)
    wait_gone(own.daemon.pid, 20)
    # A client finds no socket now, or a stale one: it waits for the service's daemon instead of starting one.
    with Client(home=own.daemon.home.path) as client:
        assert client.hello["pid"] == process.pid
    assert manager[0].recv(100) == b"READY=1"
    connection = own.connect()
    replaced = in_thread(lambda: connection.call("replace_daemon"))
    said, barrier, _, _ = socket.recv_fds(manager[0], 100, 1)
    assert (said.startswith(b"MAINPID="), barrier) == (True, [])
    said, barrier, _, _ = socket.recv_fds(manager[0], 100, 1)
    assert (said, process.poll()) == (b"BARRIER=1", None)
    os.close(barrier[0])  # the manager has read all before it
    successor = replaced.result(20)["pid"]
    assert process.wait(20) == 0
    own.forget_connections()
    os.kill(successor, signal.SIGTERM)
    assert manager[0].recv(100) == b"STOPPING=1"
    wait_gone(successor)
    own.daemon.start()


@pytest.mark.parametrize("manager", ["path"], indirect=True)
def test_one_that_is_started_by_a_client_tells_no_manager(
    new_daemon: Callable[..., Daemon], manager: tuple[socket.socket, str]
) -> None:
    new_daemon(NOTIFY_SOCKET=manager[1]).start()
    manager[0].setblocking(False)
    with pytest.raises(BlockingIOError):
        manager[0].recv(100)


def test_a_daemon_that_does_not_end(home: Home) -> None:
    with open(home.lock, "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DaemonUnavailable, match="does not answer") as caught:
            lock_instead_of_other(home, within=0.1)
    # The unit's RestartPreventExitStatus= has it: a person has to look.
    assert caught.value.exit_code == 69


@pytest.mark.parametrize(("name", "words"), [("lock", []), ("start.lock", ["--take-over"])])
def test_a_file_that_cannot_be_opened_is_told_in_one_line(home: Home, name: str, words: list[str]) -> None:
    link = Path(home.path) / name
    link.symlink_to("/nowhere")
    done = subprocess.run(
        [sys.executable, "-m", "persistproc_core.daemon", *words],
        cwd="/",
        # A warning of a library about encodings is not ours to answer for.
        env={**environment(home), "PYTHONWARNDEFAULTENCODING": ""},
        capture_output=True,
        encoding="utf-8",
        timeout=20,
    )
    # As above: another try would not mend it.
    assert done.returncode == 69
    assert done.stderr.startswith(f"persistproc: the daemon cannot start: {link}: Too many levels of symbolic links")
    assert done.stderr.count("\n") == 1
