"""The test kit itself: a guard that misses a leak, or a child that never says ready, would make other tests lie."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from tests.kit import Guard, RawConnection, is_alive, marked, numbered, program, read_line, wait_gone
from tests.kit.guard import TEST_VARIABLE
from tests.kit.programs import PROGRAMS


def started(*argv: str, **variables: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env={**os.environ, **variables}
    )


def test_guard_finds_and_ends_what_is_left() -> None:
    other = Guard()
    home = other.new_home()
    with started(*program("sleeper"), **{TEST_VARIABLE: other.token}) as child:
        assert child.stdout is not None
        assert read_line(child.stdout) == b"ready"

        assert other.survivors() == [child.pid]
        assert any("sleeper" in leak for leak in other.leaks())

        other.clean_up()
        assert not is_alive(child.pid)
    assert other.leaks() == []
    assert not os.path.exists(home.path)


def test_guard_finds_a_run_of_its_home_without_the_token() -> None:
    other = Guard()
    home = other.new_home()
    os.makedirs(os.path.join(home.runs, "web.1.0badcafe"))
    with started(*program("sleeper"), PERSISTPROC_RUN="web.1.0badcafe") as child:
        assert child.stdout is not None
        assert read_line(child.stdout) == b"ready"
        assert other.survivors() == [child.pid]
        other.clean_up()
        child.wait(5)


def test_guard_finds_a_zombie(guard: Guard) -> None:
    child = os.posix_spawn(sys.executable, [sys.executable, "-ISc", ""], os.environ)
    wait_gone(child)
    assert guard.leaks() == [f"zombie child {child}"]
    os.waitpid(child, 0)
    assert guard.leaks() == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/net/unix")
def test_guard_finds_a_socket_that_is_still_bound() -> None:
    other = Guard()
    home = other.new_home()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(home.socket)
        assert other.leaks() == [f"socket in use: {home.socket}"]
    assert other.leaks() == []
    other.clean_up()


def test_a_raw_connection_without_a_daemon_leaves_nothing_open(guard: Guard) -> None:
    with pytest.raises(FileNotFoundError):
        RawConnection(guard.new_home().socket)


def test_wait_gone_tells_who_is_still_there() -> None:
    with started(*program("sleeper")) as child:
        assert child.stdout is not None
        assert read_line(child.stdout) == b"ready"
        with pytest.raises(TimeoutError, match="sleeper"):
            wait_gone(child.pid, within=0.01)
        assert is_alive(child.pid)
        child.kill()
        wait_gone(child.pid)
        assert not is_alive(child.pid)


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.py")), ids=lambda path: path.stem)
def test_every_program_tells_in_one_line_what_it_does(path: os.PathLike[str]) -> None:
    with open(path, encoding="utf-8") as file:
        assert file.readline().startswith('"""')


SAYS_READY = ("sleeper", "ignore_term", "tell_signals", "echo_stdin", "exit_n", "exit_on_eof", "http_server")


@pytest.mark.parametrize("name", SAYS_READY)
def test_programs_say_ready(name: str) -> None:
    with started(*program(name)) as child:
        assert child.stdout is not None
        assert read_line(child.stdout).split()[0] == b"ready"
        child.kill()


@pytest.mark.parametrize(("count", "start"), [(0, 0), (1, 0), (16, 0), (33, 0), (100_001, 0), (40, 7)])
def test_numbered_is_what_write_bytes_prints(count: int, start: int) -> None:
    printed = subprocess.run(
        program("write_bytes", count + start, "stdout", 1000), stdout=subprocess.PIPE, check=True
    ).stdout
    assert numbered(count, start) == printed[start:]


def test_steady_writer_ends_with_its_count() -> None:
    with started(*program("steady_writer", 1)) as child:
        assert child.stdout is not None
        assert read_line(child.stdout) == b"out 0"
        child.terminate()
        lines = [b"out 0", *child.stdout.read().splitlines()]
    assert lines[-1] == b"out end %d" % (len(lines) - 1)
    assert lines[:-1] == [b"out %d" % number for number in range(len(lines) - 1)]


def test_spawn_tree_really_leaves_grandchildren(guard: Guard) -> None:
    kinds = ("plain", "background", "nohup", "setsid", "double")
    with started(*program("spawn_tree", *kinds)) as child:
        assert child.stdout is not None
        pids = [int(read_line(child.stdout).split()[1]) for _ in kinds]
        assert read_line(child.stdout) == b"ready"
        child.kill()
        child.wait(5)
        assert sorted(marked(TEST_VARIABLE, guard.token)) == sorted(pids)
        guard.kill()
    assert marked(TEST_VARIABLE, guard.token) == []
