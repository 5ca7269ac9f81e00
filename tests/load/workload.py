"""What the soak keeps going: processes that write, somebody who restarts them, followers, and callers over HTTP."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from persistproc_core.client import Client
from persistproc_core.errors import PersistprocError
from tests.kit.bridge import Bridge
from tests.kit.raw_http import LEGACY, MODERN, connect, get, response, tool_call

__all__ = ["Pace", "Workload"]

_CHATTER = str(Path(__file__).with_name("chatter.py"))


class Pace:
    """How much goes on; seconds between two of a kind."""

    processes = 5
    followers = 3
    bytes_a_second = 10_000_000
    restart_seconds = 60.0
    call_seconds = 0.2
    kept_bytes = 16 * 1024 * 1024


class Workload:
    """Threads that act until `close`; what went wrong is in ``findings``, what was done in ``counts``."""

    def __init__(self, bridge: Bridge, directory: str, pace: Pace) -> None:
        self.findings: list[str] = []
        self.counts = {"restarts": 0, "calls": 0}
        self._bridge, self._directory, self._pace = bridge, directory, pace
        self._over = threading.Event()
        self._names = [f"chatter-{number}" for number in range(pace.processes)]
        self._runs: dict[str, str] = {}
        with ExitStack() as stack:
            self._client = stack.enter_context(bridge.client(directory))
            for name in self._names:
                self._start(name)
            followed = itertools.islice(itertools.cycle(self._names), pace.followers)
            self._followers = [stack.enter_context(self._follower(name)) for name in followed]
            for act in (self._restart, self._call):
                thread = threading.Thread(target=self._repeatedly, args=(act,))
                thread.start()
                stack.callback(thread.join)
            stack.callback(self._over.set)
            self._stack = stack.pop_all()

    def check(self) -> None:
        """Every process runs, in the run that was last told of."""
        for info in self._client.list_processes()["processes"]:
            if info["state"] != "running" and self._runs[info["name"]] == info["run_id"]:
                self.findings.append(f"{info['name']} is {info['state']}: {info['reason']}")

    def close(self) -> None:
        """Stop all of it; the processes go on."""
        for follower in self._followers:
            told = json.loads(follower.communicate("", timeout=30)[0])
            self.counts["followed MB"] = self.counts.get("followed MB", 0) + told["bytes"] // 1_000_000
            self.counts["missed MB"] = self.counts.get("missed MB", 0) + told["missed"] // 1_000_000
            if told["error"]:
                self.findings.append(f"a follower ended: {told['error']}")
            if not told["bytes"]:
                self.findings.append("a follower was told nothing")
        self._stack.close()

    def end(self) -> None:
        """End the processes."""
        with self._bridge.client(self._directory) as client:
            for name in self._names:
                client.stop_process(process=name)
                client.remove_process(process=name)

    # --- what is done -------------------------------------------------------------------------------------------------

    def _start(self, name: str) -> None:
        rate = self._pace.bytes_a_second // self._pace.processes
        # A word of its own: the same command in the same directory would be joined.
        command = [sys.executable, "-I", "-S", _CHATTER, str(rate), name]
        info = self._client.start_process(command=command, name=name, keep_bytes=self._pace.kept_bytes, keep_runs=3)
        self._runs[name] = info["run_id"]

    def _follower(self, name: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.load.follower", self._bridge.home.path, name, self._directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def _repeatedly(self, act: Callable[[], float]) -> None:
        pause = 0.0
        while not self._over.wait(pause):
            try:
                pause = act()
            except (PersistprocError, OSError, AssertionError) as error:
                self.findings.append(f"{act.__name__.strip('_')}: {type(error).__name__}: {str(error)[:500]}")
                pause = 1.0

    def _restart(self) -> float:
        name = self._names[self.counts["restarts"] % len(self._names)]
        if self.counts["restarts"] or self._over.wait(self._pace.restart_seconds) is False:
            self._runs[name] = ""  # between the two nobody knows which it is
            with self._one_client() as client:
                self._runs[name] = client.restart_process(process=name)["run_id"]
            self.counts["restarts"] += 1
        return self._pace.restart_seconds

    def _one_client(self) -> Client:
        return self._bridge.client(self._directory)

    def _call(self) -> float:
        name = self._names[self.counts["calls"] % len(self._names)]
        at: dict[str, object] = {"process": name, "working_directory": self._directory}
        port = self._bridge.port
        requests = [
            tool_call(port, "list_processes", {"working_directory": self._directory}, MODERN),
            tool_call(port, "get_process_output", {**at, "lines": 20}, LEGACY),
            tool_call(port, "get_process_status", at, MODERN),
            get(port, "/api/processes?all_projects=true"),
        ]
        with closing(connect(port)) as connection:
            connection.sendall(requests[self.counts["calls"] % len(requests)])
            answer = response(connection)
        assert answer.startswith(b"HTTP/1.1 200"), answer[:500]
        assert b'"isError":true' not in answer, answer[:1000]
        self.counts["calls"] += 1
        return self._pace.call_seconds
