"""A live program under fuzz: children that nobody may touch, its memory, and a client that only notes the time."""

from __future__ import annotations

import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import psutil

from tests.benchmarks.figures import percentile
from tests.kit import Daemon, Guard, is_alive, program
from tests.kit.guard import TEST_VARIABLE
from tests.kit.wire import RawConnection

__all__ = ["LiveDaemon", "Memory", "Probe", "Victims", "exchange"]

_MOST_MIB = 16.0
_PROBE = "tests.fuzz.probe"


def exchange(connection: socket.socket, data: bytes, within: float = 30.0) -> bytes:
    """Send all of it and say that this was all; what comes back until the end. Raises `TimeoutError`."""
    connection.setblocking(False)
    poll = select.poll()
    poll.register(connection, select.POLLIN | select.POLLOUT)
    deadline = time.monotonic() + within
    left, answer = memoryview(data), bytearray()
    while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        try:
            while part := connection.recv(1 << 18):
                answer += part
            return bytes(answer)
        except BlockingIOError:
            pass
        except ConnectionResetError:
            return bytes(answer)
        try:
            left = left[connection.send(left[: 1 << 16]) :]
        except BlockingIOError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            left = left[:0]
        if not left:
            poll.modify(connection, select.POLLIN)
            _say_the_end(connection)
    raise TimeoutError(f"still open after {within} s; {len(left)} bytes are unread, at last came {answer[-300:]!r}")


def _say_the_end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it has hung up already


class LiveDaemon:
    """A daemon to fuzz and a folder to work in: one that is there already, or one of its own."""

    def __init__(self, stack: ExitStack, daemon: Daemon | None) -> None:
        self.directory = tempfile.mkdtemp(prefix="pp-fuzz-")
        stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        if daemon is None:
            guard = Guard()
            stack.callback(guard.clean_up)
            daemon = Daemon(guard, guard.new_home(), {TEST_VARIABLE: guard.token})
            daemon.start()
            stack.callback(daemon.tear_down)
        self.daemon = daemon
        self._logged = len(daemon.log())

    def check(self) -> None:
        """Raises `AssertionError` when it is another one, or has met a defect."""
        with self.daemon.connect() as connection:
            assert connection.hello["pid"] == self.daemon.pid, "the daemon is another one"
        log = self.daemon.log()[self._logged :]
        assert " error " not in log, log[-4000:]


class Victims:
    """Two children that tell every signal they get."""

    NAMES = ("victim-0", "victim-1")

    def __init__(self, path: str, directory: str) -> None:
        self._path = path
        self._directory = directory
        self._runs: list[tuple[int, str]] = []
        with RawConnection(path) as connection:
            for name in self.NAMES:
                # Each in a place of its own: the same command in the same directory would be joined.
                info = connection.call(
                    "start_process", command=[*program("tell_signals"), name], name=name, working_directory=directory
                )
                self._runs.append((info["pid"], info["run_id"]))
                connection.call("wait_for_process", process=name, output="ready", working_directory=directory)

    def close(self) -> None:
        """End them."""
        with RawConnection(self._path) as connection:
            for name in self.NAMES:
                at = {"process": name, "working_directory": self._directory}
                connection.call("stop_process", force=True, **at)
                connection.call("remove_process", **at)

    def check(self) -> None:
        """Raises `AssertionError` when one was signalled, ended, started again or forgotten."""
        with RawConnection(self._path) as connection:
            for name, (pid, run_id) in zip(self.NAMES, self._runs, strict=True):
                at = {"process": name, "working_directory": self._directory}
                info = connection.call("get_process_status", **at)
                assert (info["pid"], info["run_id"], info["state"]) == (pid, run_id, "running"), info
                assert is_alive(pid), f"{name} is told to run, and is gone"
                lines = connection.call("get_process_output", **at)["lines"]
                assert [line["text"] for line in lines] == ["ready"], f"{name} was signalled: {lines}"


class Memory:
    """How much a process grows after it has warmed up."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._first = self._resident()

    def _resident(self) -> int:
        return int(self._process.memory_info().rss)

    def begin(self) -> None:
        """It is warm now."""
        self._first = self._resident()

    def grown_mib(self) -> float:
        """By how much it has grown."""
        return (self._resident() - self._first) / 2**20

    def check(self) -> str:
        """The growth in words. Raises `AssertionError` when it is too much."""
        grown = self.grown_mib()
        assert grown <= _MOST_MIB, f"memory grew by {grown:.1f} MiB"
        return f"memory {grown:+.1f} MiB"


class Probe:
    """A client in a process of its own that asks every 10 ms and notes how long each answer takes; it has begun."""

    def __init__(self, path: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("probe.py")), path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="ascii",
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def seconds(self) -> list[float]:
        """What each answer took; it ends. Raises `AssertionError` when it was left without an answer."""
        out, _ = self._process.communicate("\n", timeout=30)
        assert self._process.returncode == 0, "the probe got no answer"
        return [float(word) for word in out.split()]

    def told(self) -> str:
        """The figures in words. Raises as `seconds` does."""
        seconds = self.seconds()
        p50, p99 = (percentile(seconds, share) * 1000 for share in (0.5, 0.99))
        return f"probe p50 {p50:.1f} ms p99 {p99:.1f} ms of {len(seconds)}"
