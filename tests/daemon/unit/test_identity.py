"""Who a process is, and that nobody else is ever signalled."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistproc_core.daemon.kernel import identity, procfs
from persistproc_core.daemon.kernel.identity import (
    Handle,
    Identity,
    boot_id,
    exit_status_from_kernel,
    identity_of,
    is_alive,
)
from tests.kit import read_line, wait_gone

LINUX = sys.platform == "linux"
linux_only = pytest.mark.skipif(not LINUX, reason="/proc and pidfds are Linux's")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def of(process: subprocess.Popen[bytes]) -> Identity:
    found = identity_of(process.pid)
    assert found is not None
    return found


def test_an_identity_stays_the_same(child: subprocess.Popen[bytes]) -> None:
    assert of(child) == of(child)
    assert of(child).pid == child.pid
    assert of(child).boot_id == boot_id() != ""
    assert is_alive(of(child))


def test_two_processes_have_two_identities(child: subprocess.Popen[bytes]) -> None:
    assert of(child) != identity_of(os.getpid())


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1])
def test_there_is_no_identity_of_nobody(pid: int) -> None:
    assert identity_of(pid) is None
    assert not is_alive(Identity(boot_id(), pid, 1))
    assert Handle.open(Identity(boot_id(), pid, 1)) is None


def test_a_zombie_has_an_identity_and_is_dead(child: subprocess.Popen[bytes]) -> None:
    who = of(child)
    child.kill()
    wait_gone(child.pid)

    assert identity_of(child.pid) == who
    assert not is_alive(who)


def test_psutil_tells_the_same(child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "HAVE_PROCFS", False)
    who = of(child)

    assert who == of(child)
    assert is_alive(who)
    assert abs(who.start / 1_000_000 - time.time()) < 60
    child.kill()
    wait_gone(child.pid)
    assert not is_alive(who)
    child.wait()
    assert identity_of(child.pid) is None


@linux_only
def test_a_program_whose_main_thread_left_is_alive() -> None:
    """It is shown as a zombie although its other threads go on (pthread_exit in main)."""
    code = """
        import ctypes, platform, threading
        number = {"x86_64": 60, "aarch64": 93}[platform.machine()]
        def stay():
            while open("/proc/self/stat").read().rpartition(")")[2].split()[0] != "Z":
                pass
            print("main has left", flush=True)
            threading.Event().wait()
        threading.Thread(target=stay).start()
        ctypes.CDLL(None).syscall(number, 0)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert read_line(process.stdout) == b"main has left"
        stat = procfs.read_stat(process.pid)
        assert stat is not None
        assert stat.state == "Z"
        assert is_alive(of(process))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# --- parsing ------------------------------------------------------------------------------------------------------


@linux_only
@pytest.mark.parametrize("name", ["a b", "x) R 1 2", "((", "))", "new\nline", "ünï"])
def test_a_strange_program_name_confuses_nobody(tmp_path: Path, name: str) -> None:
    program = tmp_path / name
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([str(program), "60"], start_new_session=True)
    try:
        stat = procfs.read_stat(process.pid)
        assert stat is not None
        assert (stat.pid, stat.ppid, stat.pgid, stat.sid) == (process.pid, os.getpid(), process.pid, process.pid)
        assert stat.alive
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("line", [b"", b"1 (x) S 1", b"garbage", b"x (y) S " + b"z " * 40])
def test_half_a_stat_line_is_none(line: bytes) -> None:
    assert procfs.parse_stat(line) is None


# --- handles ------------------------------------------------------------------------------------------------------

WAYS = [pytest.param(True, marks=linux_only, id="pidfd"), pytest.param(False, id="checked")]


@pytest.mark.parametrize("pidfd", WAYS)
def test_a_handle_signals_its_process(child: subprocess.Popen[bytes], pidfd: bool) -> None:
    with Handle.open(of(child), pidfd=pidfd) or pytest.fail("no handle") as handle:
        assert (handle.fd >= 0) == pidfd
        assert handle.send(0)
        assert handle.is_alive()
        assert handle.send(signal.SIGTERM)
        if pidfd:
            assert select.select([handle.fd], [], [], 5)[0]

        assert child.wait() == -signal.SIGTERM

        assert not handle.send(signal.SIGTERM)
        assert not handle.is_alive()
    assert handle.fd == -1
    handle.close()


@pytest.mark.parametrize("pidfd", WAYS)
def test_a_stranger_gets_no_handle(child: subprocess.Popen[bytes], pidfd: bool) -> None:
    who = of(child)

    assert Handle.open(who._replace(start=who.start - 1), pidfd=pidfd) is None
    assert Handle.open(who._replace(boot_id="another boot"), pidfd=pidfd) is None
    assert not is_alive(who._replace(start=who.start - 1))
    assert not is_alive(who._replace(boot_id="another boot"))


@pytest.mark.parametrize("pid", [1, os.getpid()], ids=["init", "we"])
def test_init_and_we_ourselves_get_no_handle(pid: int) -> None:
    who = identity_of(pid)
    assert who is not None

    assert Handle.open(who) is None


@linux_only
def test_refused_handles_leave_no_descriptor(child: subprocess.Popen[bytes]) -> None:
    before = len(os.listdir("/proc/self/fd"))

    for _ in range(20):
        assert Handle.open(of(child)._replace(start=0)) is None

    assert len(os.listdir("/proc/self/fd")) == before


@linux_only
def test_a_reused_number_is_not_signalled() -> None:
    """In a pid namespace of its own the number of a dead process goes to a stranger at the very next fork."""
    code = """
        import os, signal, subprocess, time
        from pathlib import Path
        from persistproc_core.daemon.kernel.identity import Handle, identity_of, is_alive
        victim = subprocess.Popen(["sleep", "60"])
        who = identity_of(victim.pid)
        handle, checked = Handle.open(who), Handle.open(who, pidfd=False)
        victim.kill()
        victim.wait()
        while time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK") < who.start + 2:
            pass  # the stranger must start in a later clock tick than the victim, as any real one does
        Path("/proc/sys/kernel/ns_last_pid").write_text(str(victim.pid - 1), "ascii")
        stranger = subprocess.Popen(["sleep", "60"])
        assert stranger.pid == victim.pid, "the number was not reused"
        assert not is_alive(who)
        assert Handle.open(who) is None and Handle.open(who, pidfd=False) is None
        assert not handle.send(signal.SIGKILL) and not checked.send(signal.SIGKILL)
        assert stranger.poll() is None and is_alive(identity_of(stranger.pid))
        stranger.kill()
        stranger.wait()
        print("spared")
    """
    command = [
        "unshare",
        "-r",
        "-p",
        "-f",
        "-m",
        "--mount-proc",
        "--kill-child",
        sys.executable,
        "-c",
        textwrap.dedent(code),
    ]
    try:
        probe = subprocess.run(["unshare", "-r", "-p", "-f", "-m", "--mount-proc", "true"], capture_output=True)
        possible = probe.returncode == 0
    except FileNotFoundError:
        possible = False
    if not possible:
        pytest.skip("this machine makes no pid namespaces for us")

    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=30)

    assert (done.stdout, done.stderr) == ("spared\n", "")


# --- the kernel's memory of an exit -------------------------------------------------------------------------------


@pytest.fixture
def grandchild() -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A process that is not our child; its parent reaps it at once, and says so."""
    code = """
        import subprocess, sys
        child = subprocess.Popen(["sh", "-c", "read line; eval \\"$line\\""], stdin=subprocess.PIPE)
        print(child.pid, flush=True)
        child.stdin.write(sys.stdin.buffer.readline())
        child.stdin.close()
        child.wait()
        print("reaped", flush=True)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    yield int(read_line(parent.stdout)), parent
    parent.kill()
    parent.wait()
    parent.stdout.close()
    parent.stdin.close()


@linux_only
@pytest.mark.parametrize(("command", "code"), [(b"exit 7\n", 7), (b"exit 0\n", 0), (b"kill -9 $$\n", -9)])
def test_the_kernel_tells_the_exit_of_a_process_that_is_not_ours(
    grandchild: tuple[int, subprocess.Popen[bytes]], command: bytes, code: int
) -> None:
    pid, parent = grandchild
    assert parent.stdin is not None
    assert parent.stdout is not None
    pidfd = os.pidfd_open(pid)
    try:
        assert exit_status_from_kernel(pidfd) is None
        parent.stdin.write(command)
        parent.stdin.flush()
        assert read_line(parent.stdout) == b"reaped"

        status = exit_status_from_kernel(pidfd)
    finally:
        os.close(pidfd)

    if status is None and tuple(map(int, os.uname().release.split(".")[:2])) < (6, 15):
        return
    assert status is not None
    assert os.waitstatus_to_exitcode(status) == code


@linux_only
def test_what_is_no_pidfd_has_no_exit_status() -> None:
    with open("/dev/null", "rb") as file:
        assert exit_status_from_kernel(file.fileno()) is None
