"""A project on a daemon: what most tests of the daemon need, over a raw connection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from tests.kit import Daemon, RawConnection, WireError, eventually

__all__ = ["Hub", "at_once", "in_thread"]


class Hub:
    """Calls methods on behalf of a project's directory."""

    def __init__(self, daemon: Daemon, project: Path) -> None:
        self.daemon = daemon
        self.project = project
        self._connections: list[RawConnection] = []

    def connect(self) -> RawConnection:
        """One more connection."""
        connection = self.daemon.connect(20)
        self._connections.append(connection)
        return connection  # not the last one of the list: that may be another thread's by now

    @property
    def connection(self) -> RawConnection:
        """The first connection."""
        return self._connections[0] if self._connections else self.connect()

    def forget_connections(self) -> None:
        """The daemon was killed: connect anew."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    def call(self, method: str, process: str | int | None = None, **params: Any) -> Any:
        """The result. Raises `WireError`."""
        return self._asked(self.connection, method, process, params).result()

    def aside(self, method: str, process: str | int | None = None, **params: Any) -> Future[Any]:
        """The same on a connection of its own: it is sent, and a thread waits for the reply."""
        _ = self.connection  # the first one is for calls: it would wait for the reply of this one
        return in_thread(self._asked(self.connect(), method, process, params).result)

    def _asked(
        self, connection: RawConnection, method: str, process: str | int | None, params: dict[str, Any]
    ) -> RawConnection:
        params.setdefault("working_directory", str(self.project))
        if process is not None:
            params["process"] = process
        connection.ask(method, params)
        return connection

    def error(self, method: str, process: str | int | None = None, **params: Any) -> WireError:
        """The error of a call that must fail."""
        try:
            result = self.call(method, process, **params)
        except WireError as error:
            return error
        raise AssertionError(f"{method} should have failed, and said {result}")

    def restart_in_vain(self, process: str) -> WireError:
        """The error of a restart of what ends at once: again where it was held for longer than the daemon looks."""
        for _ in range(5):
            try:
                self.call("restart_process", process)
            except WireError as error:
                return error
            self.call("wait_for_process", process, exit=True, timeout_seconds=10)
        raise AssertionError(f"no restart of {process} has failed")

    def start(self, command: str | list[str], **params: Any) -> dict[str, Any]:
        """Start a process."""
        result: dict[str, Any] = self.call("start_process", command=command, **params)
        return result

    def ready(self, command: str | list[str], **params: Any) -> dict[str, Any]:
        """Start one of the tests' programs and wait until it has printed ``ready``."""
        info = self.start(command, **params)
        self.await_line(info["name"], "^ready")
        return info

    def finish(self, command: str | list[str], **params: Any) -> dict[str, Any]:
        """Start a process and wait for its end."""
        info = self.start(command, **params)
        result: dict[str, Any] = self.call("wait_for_process", info["name"], exit=True, timeout_seconds=10)
        return result

    def await_line(self, process: str | int, pattern: str) -> str:
        """The line that matches, once it is there."""
        result: str = self.call("wait_for_process", process, output=pattern, timeout_seconds=10)["line"]
        return result

    def stop(self, process: str | int, **params: Any) -> dict[str, Any]:
        """Stop a process."""
        result: dict[str, Any] = self.call("stop_process", process, **params)
        return result

    def status(self, process: str | int) -> dict[str, Any]:
        """All about a process."""
        result: dict[str, Any] = self.call("get_process_status", process)
        return result

    def state(self, process: str | int) -> str:
        """The state of a process's newest run."""
        return str(self.status(process)["state"])

    def await_state(self, process: str | int, state: str) -> str:
        """Return when the process is in that state."""
        eventually(lambda: self.state(process) == state, what=f"{process} is {state}")
        return state

    def lines(self, process: str | int, **params: Any) -> list[str]:
        """The text of the last lines."""
        return [line["text"] for line in self.call("get_process_output", process, **params)["lines"]]

    def list(self, **params: Any) -> dict[str, dict[str, Any]]:
        """The project's processes by name."""
        return {process["name"]: process for process in self.call("list_processes", **params)["processes"]}

    def log_path(self, process: str | int, stream: str = "stdout") -> Path:
        """The first segment of a stream's log."""
        streams = self.call("get_process_log_paths", process)["streams"]
        return Path(next(each["paths"][0] for each in streams if each["stream"] == stream))

    def keeper_pid(self) -> int:
        """The keeper's pid, once there is one: where somebody has killed one the next may be on its way."""
        eventually(lambda: self._keeper() is not None, what="there is a keeper")
        pid = self._keeper()
        assert pid is not None
        return pid

    def _keeper(self) -> int | None:
        pid: int | None = self.connection.call("get_daemon_status")["keeper_pid"]
        return pid

    def clean_up(self) -> None:
        """End what the test has left, in whatever project."""
        self.forget_connections()
        with self.daemon.connect() as connection:
            for process in connection.call("list_processes")["processes"]:
                name = f"{process['project_directory']}/{process['name']}"
                end = {"process": name, "force": True, "reason": "the test is over"}  # also what somebody protected
                connection.call("stop_process", **end)
                connection.call("remove_process", **end)
            assert connection.call("list_processes")["processes"] == []
            assert connection.hello["pid"] == self.daemon.pid, "the test has ended the daemon that it shares"


def in_thread(work: Callable[[], Any]) -> Future[Any]:
    """Run in a thread; ask the future with a timeout."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Results of several calls that begin at the same moment, exceptions among them."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        barrier.wait(10)
        return work()

    futures = [in_thread(lambda work=work: run(work)) for work in works]  # type: ignore[misc]
    return [future.exception(20) or future.result() for future in futures]
