"""kill -9 the bridge under calls, again and again, and the daemon: nothing is lost, and the next call works."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from persistproc_core.client.sync import Client
from persistproc_mcp.serving.asking import about_home
from tests.bridge.relay import Relay, text_of
from tests.cli.support import Cli
from tests.kit import program, wait_gone
from tests.kit.bridge import Bridge

KILLS = 50 if os.environ.get("TESTS_FULL") == "1" else 3
CALLS_BETWEEN = 3
WITHIN = 30.0


class Caller(threading.Thread):
    """Makes one call after the other until it is told to end; an answer that is wrong ends it at once."""

    def __init__(self, call: Callable[[], str]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._changed = threading.Condition()
        self._ending = False
        self._wrong: object = None
        self.answers = 0
        self.start()

    def run(self) -> None:
        try:
            while not self._ending:
                text = self._call()
                assert "web" in text, text
                with self._changed:
                    self.answers += 1
                    self._changed.notify_all()
        except BaseException as error:
            with self._changed:
                self._wrong = error
                self._changed.notify_all()

    def more(self, count: int) -> None:
        """Return when as many more calls are answered."""
        with self._changed:
            wanted = self.answers + count
            assert self._changed.wait_for(lambda: self.answers >= wanted or self._wrong, WITHIN), "no answers any more"
            assert self._wrong is None, self._wrong

    def end(self) -> None:
        """Return when the call under way has been answered, rightly."""
        self._ending = True
        self.join(WITHIN)
        assert not self.is_alive()
        assert self._wrong is None, self._wrong


def over_http(bridge: Bridge, directory: Path) -> Callable[[], str]:
    """A call over the port, begun anew where nobody listens or the connection ends: as an HTTP client retries."""
    numbers = itertools.count(1)
    arguments = {"working_directory": str(directory)}

    def once() -> str:
        params = {"name": "list_processes", "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": next(numbers), "method": "tools/call", "params": params}
        connection = http.client.HTTPConnection("127.0.0.1", bridge.port, timeout=WITHIN)
        try:
            accept = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
            connection.request("POST", "/mcp/", json.dumps(message), accept)
            response = connection.getresponse()
            text = response.read().decode()
            assert response.status == 200, text
            return text
        finally:
            connection.close()

    def call() -> str:
        deadline = time.monotonic() + WITHIN
        while True:
            try:
                return once()
            except (OSError, http.client.HTTPException):
                assert time.monotonic() < deadline, "nobody serves the port any more"
                time.sleep(0.02)  # nothing tells when somebody listens again

    return call


def kill(*pids: int) -> None:
    """End processes by force, and return when they are gone."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        wait_gone(pid)


def serving_in(bridge: Bridge) -> int:
    """The pid of the process that serves."""
    told = about_home(bridge.home, WITHIN)
    assert told is not None
    return told["pid"]


def watcher_of(bridge: Bridge) -> int:
    """The pid of the process that starts the next one when the one that serves has died."""
    noted: dict[str, Any] = json.loads(Path(bridge.home.bridge_lock).read_text("utf-8").splitlines()[0])
    return int(noted["pid"])


@pytest.mark.timeout(60 if KILLS < 10 else 600)
def test_killed_under_calls(new_bridge: Callable[..., Bridge], tmp_path: Path) -> None:
    bridge = new_bridge()
    bridge.start()
    with Relay(bridge.home, tmp_path) as relay, bridge.client(tmp_path) as hub:
        relay.initialize()
        web = hub.start_process(command=program("sleeper"), name="web")
        hub.start_process(command=program("steady_writer", 20), name="writer")
        callers = [Caller(lambda: text_of(relay.call("list_processes"))), Caller(over_http(bridge, tmp_path))]
        waiting = relay.send("tools/call", {"name": "wait_for_process", "arguments": {"process": "web", "exit": True}})
        for number in range(KILLS):
            for caller in callers:
                caller.more(CALLS_BETWEEN)
            serving, watcher = serving_in(bridge), watcher_of(bridge)
            if number % 3 == 0:
                kill(serving)  # its watcher starts the next one
                continue
            kill(watcher, serving)
            if number % 3 == 1:
                bridge.start()  # else the relay starts the next one, on the same port
        for caller in callers:
            caller.more(CALLS_BETWEEN)
            caller.end()
        # And the daemon, once: the bridge starts the next one.
        kill(hub.hello["pid"])
        assert "web" in text_of(relay.call("list_processes"))
        assert relay.call("stop_process", process="writer")["result"]["isError"] is False
        assert hub.get_process_status(process="web")["pid"] == web["pid"]
        assert_complete(hub)
        hub.stop_process(process="web", force=True)
        # Begun anew while that was sensible; then the client was told to call again.
        assert relay.reply(waiting)["result"]["content"]
        assert relay.end() == 0
    # Nobody serves for a moment, and whoever says so then is heard all the same.
    watcher = watcher_of(bridge)
    kill(serving_in(bridge))
    Cli(bridge.home, tmp_path)("serve", "--stop", check=0)
    wait_gone(watcher)
    assert not os.path.exists(bridge.socket)


def assert_complete(hub: Client) -> None:
    """Not a line of the writer is missing."""
    log = next(each for each in hub.get_process_log_paths(process="writer")["streams"] if each["stream"] == "stdout")
    lines = b"".join(Path(path).read_bytes() for path in log["paths"]).splitlines()
    assert lines[:-1] == [b"out %d" % number for number in range(len(lines) - 1)]
    assert lines[-1] == b"out end %d" % (len(lines) - 1)
