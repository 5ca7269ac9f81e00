"""Files of the keeper, or of a run, are deleted while it lives: the children go on, and what they write is kept."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil

from tests.keeper.rig import PROGRAM, Keeper
from tests.kit import eventually, program, wait_gone


def mend(keeper: Keeper) -> None:
    """What a daemon does that misses something."""
    os.kill(keeper.pid, signal.SIGUSR1)
    for _ in range(3):  # the first may be answered before the signal is taken, the second in the same round of the loop
        keeper.link.ask("list")


def test_what_is_written_from_then_on_is_kept(keeper: Keeper) -> None:
    """At its true offset, so that a reader learns how much he missed; with the note of the pid, and the exit record."""
    keeper.start("r", ["sh", "-c", "echo one; read x; echo two; echo err >&2; read x; exit 7"])
    keeper.await_output("r", b"one\n")
    stdin = os.open(keeper.folder("r").path / "stdin", os.O_RDWR)
    note = keeper.folder("r").spawned()
    keeper.folder("r").delete()
    os.write(stdin, b"go\n")
    keeper.await_output("r", b"two\n")
    keeper.await_output("r", b"err\n", "stderr")
    (segment,) = keeper.folder("r").segments("stdout")
    assert segment == (4, b"two\n")
    assert stat.S_IMODE(keeper.folder("r").path.stat().st_mode) == 0o700
    assert keeper.folder("r").spawned() == note
    os.write(stdin, b"end\n")
    os.close(stdin)
    keeper.link.event("exited", "r")
    assert keeper.folder("r").ended()[:2] == ["exit", "7"]
    mark = keeper.folder("r").marks()[-1]
    assert (mark.stdout, mark.stderr) == (8, 4)
    keeper.release("r")


def test_an_exit_record_without_a_folder(keeper: Keeper) -> None:
    pid = keeper.start("r", ["sleep", "60"])
    shutil.rmtree(keeper.home.runs)
    os.kill(pid, signal.SIGTERM)
    keeper.link.event("exited", "r")
    assert keeper.folder("r").ended()[:2] == ["signal", "15"]
    assert keeper.folder("r").spawned()[0] == pid


def test_a_log_that_is_deleted_alone(keeper: Keeper) -> None:
    """An open file without a name would swallow megabytes that nobody can read."""
    keeper.start("r", program("echo_stdin"))
    keeper.await_output("r", b"ready\n")
    next(keeper.folder("r").path.glob("stdout-*")).unlink()
    keeper.write("r", b"x\n")
    keeper.await_output("r", b"got: x\n")
    (segment,) = keeper.folder("r").segments("stdout")
    assert segment == (6, b"got: x\n")


def test_the_whole_home(keeper: Keeper) -> None:
    """Lock, socket, the holder's socket and the folders come again when somebody asks for them."""
    pid = keeper.start("r", program("steady_writer", 5, 40))
    keeper.start("t", program("echo_stdin"), size=(24, 80))
    keeper.await_output("t", b"ready")
    shutil.rmtree(keeper.home.path)
    mend(keeper)
    keeper.connect()
    assert len(keeper.link.ask("list")) == 2
    assert is_locked(keeper)
    eventually(lambda: os.path.exists(keeper.home.holder_socket))
    keeper.await_output("r", b"out 100 ")
    keeper.kill()
    keeper.launch()
    keeper.adopt("t", terminal=True)
    keeper.adopt("r")
    os.kill(pid, signal.SIGTERM)
    wait_gone(pid)
    keeper.link.ask("drain", b"r")
    assert b"out end" in keeper.folder("r").segments("stdout")[-1].data
    assert "stdout" not in keeper.folder("r").names()


def is_locked(keeper: Keeper) -> bool:
    with open(f"{keeper.home.keeper}/lock", "rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read()) == keeper.pid
    return False


def test_the_lock_alone(keeper: Keeper) -> None:
    """Once it is there again, no second keeper can come; and nothing happens to one that is there."""
    keeper.start("r", program("sleeper"))
    inode = os.stat(f"{keeper.home.keeper}/lock").st_ino
    mend(keeper)
    assert os.stat(f"{keeper.home.keeper}/lock").st_ino == inode
    os.unlink(f"{keeper.home.keeper}/lock")
    mend(keeper)
    assert is_locked(keeper)
    command = [sys.executable, "-I", "-S", str(PROGRAM), "--fd", "0", *keeper.paths()]
    assert subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 3


def test_one_whose_lock_another_keeper_has(keeper: Keeper) -> None:
    """It leaves the socket to that one, and keeps its own children."""
    pid = keeper.start("r", ["sh", "-c", "read line; echo late; exit 3"])
    first = keeper.link
    path = Path(keeper.home.keeper, "lock")
    path.unlink()
    with path.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        inode = os.stat(keeper.home.keeper_socket).st_ino
        mend(keeper)
        assert os.stat(keeper.home.keeper_socket).st_ino == inode
    assert "another keeper" in keeper.log()
    keeper.write("r", b"go\n")
    assert first.event("exited", "r")[0].startswith(b"exit 3 ")
    assert keeper.folder("r").stdout == b"late\n"
    wait_gone(pid)


def test_the_end_of_a_child_when_nothing_can_be_made_again(keeper: Keeper) -> None:
    """The keeper is told of both at once, and a link in the place of its folder must not cost the end."""
    pid = keeper.start("r", ["sleep", "60"])
    folder, away = Path(keeper.home.keeper), Path(keeper.home.path, "away")
    folder.rename(away)
    folder.symlink_to(away)
    os.kill(keeper.pid, signal.SIGSTOP)
    eventually(lambda: psutil.Process(keeper.pid).status() == psutil.STATUS_STOPPED)
    os.kill(pid, signal.SIGKILL)
    wait_gone(pid)
    os.kill(keeper.pid, signal.SIGUSR1)
    os.kill(keeper.pid, signal.SIGCONT)
    assert keeper.link.event("exited", "r")[0].startswith(b"signal 9 ")
    keeper.link.ask("list")  # the rest of that round is done
    folder.unlink()
    away.rename(folder)
    assert "it is no folder of ours" in keeper.log()


def test_adopting_what_has_no_names_any_more(keeper: Keeper) -> None:
    """By the process itself, when the holder died as well."""
    pid = keeper.start("r", ["sh", "-c", "read line; echo late; exec sleep 60"])
    keeper.kill()
    for path in Path(keeper.home.keeper).iterdir():
        path.unlink()  # with the holder's socket
    stdin = os.open(f"/proc/{pid}/fd/0", os.O_WRONLY)
    shutil.rmtree(keeper.folder("r").path)
    keeper.folder("r").path.mkdir()
    keeper.launch()
    directory = os.fsencode(keeper.folder("r").path)
    keeper.link.ask("adopt", b"r", directory, b"1000000", b"", b"%d" % pid)
    os.write(stdin, b"go\n")
    os.close(stdin)
    assert keeper.await_output("r", b"late\n") == b"late\n"
    assert keeper.folder("r").names() == {"marks", "stdout-00000000000000000000.log"}
