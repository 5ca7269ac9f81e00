"""Starting the daemon on demand. Small programs stand in for daemons that fail; the races are run on the real one."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from persistproc_core.client import AsyncClient, Client
from persistproc_core.errors import DaemonUnavailable, StorageFailed, UnsafeHome
from persistproc_core.paths import Home
from tests.client.conftest import Session
from tests.client.line_server import HELLO, answer, line_server
from tests.kit import Daemon, eventually

RACERS = 50

STUB = """\
#!{python}
import json, os, signal, sys
home = sys.argv[sys.argv.index("--home") + 1]
ready = int(sys.argv[sys.argv.index("--ready-fd") + 1])
with open(home + "/births", "a") as births:
    births.write("born\\n")
{body}
"""


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a program in the place of the Python that the daemon is started with."""

    def put(body: str) -> Path:
        path = tmp_path / "python"
        path.write_text(STUB.format(python=sys.executable, body=body), "utf-8")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))
        return path

    return put


# --- a daemon that does not start -----------------------------------------------------------------------------------


def test_the_error_that_it_reports_is_ours(home: Home, session: Session, stub: Callable[[str], Path]) -> None:
    line = "error " + json.dumps(StorageFailed("the disk is full", hint="make room").to_wire())
    stub(f"os.write(ready, {(line + chr(10)).encode()!r})\nsys.exit(74)")

    (error,) = session(home)

    assert type(error) is StorageFailed
    assert (error.message, error.hint) == ("the disk is full", "make room")


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("sys.exit(3)", "exit status 3"),
        ("sys.exit(0)", "without a word"),
        ("os.kill(os.getpid(), 9)", "exit status -9"),
        ("os.write(ready, b'rea')", "without a word"),
        ("os.write(ready, b'error {\\n')", "without a word"),
        ("os.write(ready, b'error []\\n')", "without a word"),
    ],
)
def test_it_ends_before_it_is_ready(
    home: Home, session: Session, stub: Callable[[str], Path], body: str, how: str
) -> None:
    program = stub(body)

    (error,) = session(home)

    assert isinstance(error, DaemonUnavailable)
    assert error.message == f"the daemon ended before it was ready ({how})"
    assert error.hint == f"to see why, run: {program} -m persistproc_core.daemon --home {home.path}"


def test_it_is_not_ready_in_time(home: Home, session: Session, stub: Callable[[str], Path]) -> None:
    stub("signal.pause()")

    (error,) = session(home, timeout=0.5)

    # That nothing of it is left, the guard of all tests sees to.
    assert isinstance(error, DaemonUnavailable)
    assert error.message == "the daemon was not ready in time"
    assert home.log in error.hint


def test_it_is_ready_and_gone(home: Home, session: Session, stub: Callable[[str], Path]) -> None:
    stub("os.write(ready, b'ready\\n')")

    (error,) = session(home)

    assert isinstance(error, DaemonUnavailable)
    assert error.message == "the daemon starts but ends at once"
    assert Path(home.path, "births").read_text("utf-8").count("born") == 2


@pytest.mark.parametrize(
    ("python", "words"), [("/nowhere/python", "cannot start /nowhere/python"), ("", "which Python")]
)
def test_there_is_no_python(
    home: Home, session: Session, monkeypatch: pytest.MonkeyPatch, python: str, words: str
) -> None:
    monkeypatch.setattr(sys, "executable", python)

    (error,) = session(home)

    assert isinstance(error, DaemonUnavailable)
    assert words in error.message


def test_what_it_is_started_with(home: Home, session: Session, stub: Callable[[str], Path], tmp_path: Path) -> None:
    facts = tmp_path / "facts"
    stub(
        "fds = {}\n"
        "for fd in range(1024):\n"
        "    try: fds[fd] = os.readlink(f'/proc/self/fd/{fd}')\n"
        "    except OSError: continue\n"
        "del fds[ready]\n"
        "facts = {'fds': fds, 'cwd': os.getcwd(), 'session': os.getsid(0), 'pid': os.getpid(), 'argv': sys.argv[1:]}\n"
        f"open({str(facts)!r}, 'w').write(json.dumps(facts))\n"
    )
    with open(tmp_path / "leak", "w", encoding="utf-8") as leak:
        os.set_inheritable(leak.fileno(), True)
        session(home)

    found: Any = json.loads(facts.read_text("utf-8"))
    assert found["fds"] == {"0": "/dev/null", "1": "/dev/null", "2": "/dev/null"}
    assert found["cwd"] == "/"
    assert found["session"] == found["pid"]
    assert found["argv"][:5] == ["-m", "persistproc_core.daemon", "--home", home.path, "--detach"]


# --- the lock -------------------------------------------------------------------------------------------------------


def test_the_lock_of_a_client_that_hangs(home: Home, session: Session) -> None:
    with open(home.start_lock, "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (error,) = session(home, timeout=0.2)

    assert isinstance(error, DaemonUnavailable)
    assert "another client is starting the daemon" in error.message


def test_a_daemon_that_comes_up_is_used_though_the_lock_is_still_held(home: Home, session: Session) -> None:
    outcome: list[Any] = []
    with open(home.start_lock, "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiter = threading.Thread(target=lambda: outcome.extend(session(home)))
        waiter.start()
        eventually(lambda: open_count(home.start_lock) == 2, what="the client waits for the lock")
        with line_server(home.socket, answer):
            waiter.join(10)

    assert outcome == [HELLO]


def open_count(path: str) -> int:
    found = 0
    for fd in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{fd}") == path
        except OSError:
            continue
    return found


def test_the_lock_is_never_followed_elsewhere(home: Home, session: Session, tmp_path: Path) -> None:
    os.symlink(tmp_path / "target", home.start_lock)

    (error,) = session(home)

    assert isinstance(error, UnsafeHome)
    assert not (tmp_path / "target").exists()


# --- the real daemon ------------------------------------------------------------------------------------------------


def test_the_first_call_starts_it_and_all_others_use_it(fresh_home: Home, session: Session) -> None:
    first, status = session(fresh_home, ("get_daemon_status", {}))
    (second,) = session(fresh_home)

    assert first == second
    assert status["pid"] == first["pid"]
    assert os.getsid(first["pid"]) != os.getsid(0)
    assert stat.S_IMODE(os.stat(fresh_home.start_lock).st_mode) == 0o600


def test_a_home_that_does_not_exist_is_made(fresh_home: Home, session: Session) -> None:
    os.rmdir(fresh_home.path)
    (hello,) = session(fresh_home)
    assert hello["pid"]
    assert stat.S_IMODE(os.stat(fresh_home.path).st_mode) == 0o700


def test_one_that_was_killed_is_replaced(daemon: Daemon, session: Session) -> None:
    killed = daemon.pid
    daemon.kill()

    _, status = session(daemon.home, ("get_daemon_status", {}), timeout=30)

    assert status["pid"] != killed


def test_racing_programs_start_one(fresh_home: Home) -> None:
    code = "from persistproc_core.client import Client; print(Client(timeout=50).connect()['instance'])"
    command = [sys.executable, "-c", code]
    root = Path(__file__).resolve().parent.parent.parent
    racers = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, encoding="utf-8") for _ in range(RACERS)]
    said = [racer.communicate(timeout=55)[0].strip() for racer in racers]

    assert [racer.returncode for racer in racers] == [0] * RACERS
    assert len(set(said)) == 1, said


def test_racing_threads_start_one(fresh_home: Home) -> None:
    together = threading.Barrier(RACERS)
    seen: list[str] = []

    def race() -> None:
        together.wait()
        with Client(timeout=50) as client:
            seen.append(client.hello["instance"])

    threads = [threading.Thread(target=race) for _ in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(55)

    assert len(seen) == RACERS
    assert len(set(seen)) == 1


@pytest.mark.anyio
async def test_racing_tasks_start_one(fresh_home: Home) -> None:
    seen: list[str] = []

    async def race() -> None:
        async with AsyncClient(timeout=50) as client:
            seen.append(client.hello["instance"])

    async with anyio.create_task_group() as tasks:
        for _ in range(RACERS):
            tasks.start_soon(race)

    assert len(seen) == RACERS
    assert len(set(seen)) == 1


@pytest.mark.anyio
async def test_a_start_may_be_cancelled(home: Home, stub: Callable[[str], Path]) -> None:
    stub("signal.pause()")

    async def cancel() -> None:
        # Not before: a thread that begins only then would start one after the test has looked.
        await anyio.to_thread.run_sync(eventually, lambda: open_count(home.start_lock) == 1)
        scope.cancel()

    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as scope:
            tasks.start_soon(cancel)
            await AsyncClient(timeout=2).connect()
    assert scope.cancelled_caught
    # The thread that waits for the daemon ends by itself, and takes the starter with it.
    await anyio.to_thread.run_sync(eventually, lambda: open_count(home.start_lock) == 0)
