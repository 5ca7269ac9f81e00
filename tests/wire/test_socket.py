"""One daemon per home, and nobody else's: lock, socket, modes, peers."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from persistproc_core.paths import Home
from tests.kit import Daemon, DaemonFailed, Guard, is_alive

NOBODY = 65534


def mode(path: str) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_everything_is_private_whatever_the_umask(home: Home, new_daemon: Callable[..., Daemon], mask: int) -> None:
    daemon = new_daemon(home)
    former = os.umask(mask)
    try:
        daemon.start()
    finally:
        os.umask(former)
    with daemon.connect() as connection:
        connection.call("start_process", command=["sleep", "1000"], name="s", working_directory=home.path)
    for folder, folders, files in os.walk(home.path):
        for name in folders:
            assert mode(os.path.join(folder, name)) == 0o700, name
        for name in files:
            # What is being replaced has a name of its own until it is in its place.
            with suppress(FileNotFoundError):
                found = mode(os.path.join(folder, name))
                assert found & 0o177 == 0, f"{name} is {found:o}"
    assert mode(daemon.socket) == 0o600


def test_a_second_daemon_leaves_the_first_alone(daemon: Daemon) -> None:
    with daemon.connect() as connection:
        first = connection.hello
        daemon.start()
        assert daemon.pid == first["pid"]
        assert connection.call("get_daemon_status")["instance"] == first["instance"]


def test_the_lock_is_never_replaced(daemon: Daemon) -> None:
    before = os.stat(daemon.home.lock)
    daemon.kill()
    assert os.stat(daemon.home.lock).st_ino == before.st_ino
    daemon.start()
    assert os.stat(daemon.home.lock).st_ino == before.st_ino
    daemon.shut_down()
    assert os.stat(daemon.home.lock).st_ino == before.st_ino


def test_a_stale_socket_is_replaced_without_a_word(daemon: Daemon) -> None:
    daemon.kill()
    assert os.path.lexists(daemon.socket)
    daemon.start()


def test_a_shut_down_daemon_leaves_no_socket(daemon: Daemon) -> None:
    daemon.shut_down()
    assert not os.path.lexists(daemon.socket)
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        daemon.connect()


@pytest.mark.parametrize("length", [102, 103, 107, 108, 200])
def test_homes_of_any_length(guard: Guard, new_daemon: Callable[..., Daemon], length: int) -> None:
    base = guard.new_home().path
    path = os.path.join(base, "x" * (length - len(base) - 1 - len("/sock")))
    home = Home(path)
    guard.homes.append(home)
    daemon = new_daemon(home)
    daemon.start()
    assert len(os.fsencode(daemon.socket)) <= 107
    with daemon.connect() as connection:
        assert connection.call("get_daemon_status")["home"] == path
    assert mode(os.path.dirname(daemon.socket)) == 0o700


def test_an_unsafe_home_is_refused_and_nothing_is_written(home: Home, new_daemon: Callable[..., Daemon]) -> None:
    os.chmod(home.path, 0o777)
    with pytest.raises(DaemonFailed, match="unsafe_home"):
        new_daemon(home).start()
    assert os.listdir(home.path) == []


def test_a_home_that_is_a_link_is_refused(guard: Guard, new_daemon: Callable[..., Daemon]) -> None:
    target = guard.new_home()
    link = Home(target.path + "-link")
    os.symlink(target.path, link.path)
    try:
        with pytest.raises(DaemonFailed, match="unsafe_home"):
            new_daemon(link).start()
        assert os.listdir(target.path) == []
    finally:
        os.unlink(link.path)


def connect_as(uid: int, path: str) -> bytes:
    """What another user gets who connects: the first bytes, or why there are none."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said = b"?"
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(path)
                said = connection.recv(1000) or b"closed"
        except OSError as error:
            said = type(error).__name__.encode()
        finally:
            os.write(writer, said)
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with open(reader, "rb") as answer:
        return answer.read()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can try as another user")
def test_another_user_is_kept_out(daemon: Daemon) -> None:
    assert connect_as(NOBODY, daemon.socket) == b"PermissionError"

    # Even where the modes would let him in, the daemon asks the kernel who he is.
    os.chmod(daemon.home.path, 0o711)
    os.chmod(daemon.socket, 0o666)
    assert connect_as(NOBODY, daemon.socket) in (b"closed", b"ConnectionResetError")
    os.chmod(daemon.home.path, 0o700)
    with daemon.connect() as connection:
        assert connection.call("get_daemon_status")["pid"] == daemon.pid


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_daemon_keeps_nothing_of_its_starter(daemon: Daemon) -> None:
    process = Path(f"/proc/{daemon.pid}")
    assert os.readlink(process / "cwd") == "/"
    session = int((process / "stat").read_text("utf-8").rsplit(")", 1)[1].split()[3])
    assert session != os.getsid(0)
    targets = {os.readlink(process / "fd" / name) for name in ("0", "1", "2")}
    assert targets <= {"/dev/null", daemon.home.log}
    assert is_alive(daemon.pid)
