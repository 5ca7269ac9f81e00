"""Somebody deletes what is in the home, or all of it, or puts something else there, while everything runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistproc_core.client import Client
from persistproc_core.errors import UnsafeHome
from tests.daemon.hub import Hub
from tests.kit import eventually, is_alive, program, unseen, wait_gone


def await_mended(hub: Hub, *paths: str) -> None:
    """Return when they are there again, and a new connection is served by the same daemon."""
    eventually(lambda: all(os.path.lexists(path) for path in paths), what=f"{paths} are there again")
    hub.forget_connections()
    assert hub.connection.hello["pid"] == hub.daemon.pid


def is_locked(path: str) -> bool:
    """Whether somebody holds the lock of that name: another daemon would not get it."""
    with open(path, "rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_the_socket_and_the_lock_are_deleted(own: Hub) -> None:
    home = own.daemon.home
    info = own.ready(program("sleeper"), name="p")
    connected = own.daemon.connect()
    os.unlink(home.socket)
    # At once: the client asks for it, before the daemon has noticed by itself. It must not start another one.
    with Client(home=home.path, autostart=False) as client:
        assert client.hello["pid"] == own.daemon.pid
    assert stat.S_IMODE(os.stat(home.socket).st_mode) == 0o600
    with connected:
        assert connected.call("list_processes")["processes"][0]["pid"] == info["pid"]
    os.unlink(home.socket)
    await_mended(own, home.socket)
    os.unlink(home.lock)
    await_mended(own, home.lock)
    eventually(lambda: is_locked(home.lock))
    assert own.list()["p"]["pid"] == info["pid"]
    os.unlink(home.socket)
    with Client(home=home.path) as client:
        assert client.hello["pid"] == own.daemon.pid
    assert own.daemon.log().count("daemon.started") == 1
    # A start at the very moment: right or clearly wrong, never a hang or a defect.
    with unseen(own.daemon.pid):
        shutil.rmtree(home.path)
    info = own.ready(program("echo_stdin", "q"), name="q")
    assert os.path.exists(f"{home.runs}/{info['run_id']}/record.json")
    await_mended(own, home.socket)
    assert {each["state"] for each in own.list().values()} == {"running"}


def test_the_whole_home_is_deleted(own: Hub) -> None:
    """Processes go on, are listed and stopped; what they print later is kept; the next daemon knows them as well."""
    home = own.daemon.home
    info = own.ready(program("echo_stdin"), name="p")
    own.ready(program("echo_stdin", "t"), name="t", tty=True)
    own.finish(["true"], name="ended")
    own.call("set_mark", name="m")
    own.call("protect_process", "p", client={"name": "cursor"})
    before, keeper = own.status("p"), own.keeper_pid()
    connected = own.daemon.connect()
    with unseen(own.daemon.pid):
        shutil.rmtree(home.path)
    await_mended(own, home.socket, home.events, home.marks, f"{home.runs}/{info['run_id']}/record.json")
    for path in (home.path, home.runs, home.keeper):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
    assert own.keeper_pid() == keeper
    with connected:
        assert info["pid"] in [each["pid"] for each in connected.call("list_processes")["processes"]]
    own.call("send_process_input", "p", input="later", client={"name": "cursor"})
    own.await_line("p", "^got: later")
    assert "got: later" in own.lines("p")
    own.call("send_process_input", "t", input="later")
    own.await_line("t", "got: later")
    own.forget_connections()
    own.daemon.kill()
    own.daemon.start()
    assert own.keeper_pid() == keeper
    after = own.status("p")
    for key in ("pid", "run_id", "run", "started_at", "started_by", "command"):
        assert after[key] == before[key], key
    assert after["protected_by"] == before["protected_by"]
    assert [mark["name"] for mark in own.call("list_marks")["marks"]] == ["m"]
    own.call("send_process_input", "p", input="again", client={"name": "cursor"})
    own.await_line("p", "^got: again")
    assert own.stop("p", client={"name": "cursor"})["state"] == "stopped"
    assert not is_alive(info["pid"])
    own.call("send_process_input", "t", input="again")
    own.await_line("t", "got: again")
    assert own.stop("t")["state"] == "stopped"


def test_a_folder_is_deleted(hub: Hub) -> None:
    """The folder of runs, the keeper's, and that of one run."""
    home = hub.daemon.home
    info = hub.ready(program("echo_stdin"), name="p")
    record = f"{home.runs}/{info['run_id']}/record.json"
    for number, folder in enumerate([home.runs, home.keeper, os.path.dirname(record)]):
        with unseen(hub.daemon.pid):
            shutil.rmtree(folder)
        await_mended(hub, record, home.keeper_socket, f"{home.keeper}/lock")
        hub.call("send_process_input", "p", input=f"line {number}")
        hub.await_line("p", f"^got: line {number}")
    hub.forget_connections()
    hub.daemon.kill()
    hub.daemon.start()
    assert hub.list()["p"]["pid"] == info["pid"]


@pytest.fixture
def aside(own: Hub) -> Iterator[Path]:
    """Where a home is moved to; it is moved back at the end."""
    place = Path(own.daemon.home.path + "-aside")
    yield place
    with contextlib.suppress(OSError):
        os.unlink(own.daemon.home.path)
    shutil.rmtree(place, ignore_errors=True)


def test_something_else_takes_the_place_of_the_home(own: Hub, aside: Path, tmp_path: Path) -> None:
    """Nothing is written through a link. Who is connected goes on; when it has been put right, all is as before."""
    home = Path(own.daemon.home.path)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    info = own.ready(program("sleeper"), name="p")
    log = (home / "daemon.log").open("rb")
    with unseen(own.daemon.pid):
        home.rename(aside)
        home.symlink_to(foreign)
    os.kill(own.daemon.pid, signal.SIGUSR1)
    with log:
        eventually(lambda: b"home.refused" in log.read())
    assert own.list()["p"]["state"] == "running"
    assert own.error("start_process", command=["true"]).code == "storage_failed"
    assert own.error("set_mark", name="m").code == "storage_failed"
    assert own.stop("p")["state"] == "stopped"
    assert not is_alive(info["pid"])
    with pytest.raises(UnsafeHome, match="symbolic link"):
        Client(home=str(home)).connect()
    assert os.listdir(foreign) == []
    home.unlink()
    await_mended(own, own.daemon.socket)
    assert own.finish(["true"], name="q")["exit_code"] == 0


def test_another_daemon_took_the_home(own: Hub) -> None:
    """It cannot happen while the first one can look; here it is stopped. It leaves, the processes do not notice."""
    home = own.daemon.home
    info = own.ready(program("echo_stdin"), name="p")
    former = own.daemon.pid
    own.forget_connections()
    os.kill(former, signal.SIGSTOP)
    shutil.rmtree(home.path)
    own.daemon.start()
    os.kill(former, signal.SIGCONT)
    wait_gone(former)
    assert own.daemon.pid != former
    assert own.connect().hello["pid"] == own.daemon.pid
    found = {each["pid"]: each for each in own.connection.call("list_processes")["processes"]}
    assert found[info["pid"]]["state"] == "running"
    assert found[info["pid"]]["name"] == "p"
    own.call("send_process_input", info["pid"], input="x")
    own.await_line(info["pid"], "^got: x")
    assert own.stop(info["pid"])["state"] == "stopped"
