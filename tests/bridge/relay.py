"""``persistproc mcp`` as an agent has it: a child that speaks JSON lines."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from persistproc_core.paths import Home
from tests.kit.daemon import environment

__all__ = ["MODERN", "Relay", "modern", "text_of"]

MODERN = "2026-07-28"
_SECONDS = 30.0


def modern(**params: Any) -> dict[str, Any]:
    """Parameters with the envelope of the versions that have no handshake."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {"name": "modern-agent", "version": "2"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    return {**params, "_meta": {**meta, **params.get("_meta", {})}}


def text_of(reply: dict[str, Any]) -> str:
    """The text of a tool's answer."""
    return str(reply["result"]["content"][0]["text"])


class Relay:
    """A session. Replies are kept until somebody asks for them; any number of threads may."""

    def __init__(self, home: Home, directory: Path, *options: str, variables: dict[str, str] | None = None) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "persistproc_cli", "mcp", *options],
            cwd=directory,
            env=environment(home, PYTHONSAFEPATH="1", **(variables or {})),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.notifications: list[dict[str, Any]] = []
        self.unasked: list[dict[str, Any]] = []
        """Replies to what could not be understood."""
        self._replies: dict[object, dict[str, Any]] = {}
        self._ids = itertools.count(1)
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.child.kill()
        self.child.wait(10)
        self._reader.join(10)
        for stream in (self.child.stdin, self.child.stdout, self.child.stderr):
            assert stream is not None
            stream.close()

    def write(self, line: bytes) -> None:
        """Send a line as it is."""
        assert self.child.stdin is not None
        self.child.stdin.write(line + b"\n")
        self.child.stdin.flush()

    def notify(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self.write(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode())

    def send(self, method: str, params: dict[str, Any] | None = None) -> int:
        """Send a request; returns its id."""
        number = next(self._ids)
        self.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}).encode())
        return number

    def reply(self, request: int, within: float = _SECONDS) -> dict[str, Any]:
        """The reply to a request, once it is there."""
        with self._changed:
            assert self._changed.wait_for(lambda: request in self._replies or self._ended, within), "no reply"
            assert request in self._replies, "the relay has ended"
            return self._replies.pop(request)

    def has_reply(self, request: int) -> bool:
        """Whether it is there."""
        with self._changed:
            return request in self._replies

    def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request, and return its reply."""
        return self.reply(self.send(method, params))

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The reply to a call of a tool."""
        return self.ask("tools/call", {"name": tool, "arguments": arguments})

    def initialize(self, name: str = "old-agent", version: str = "2025-11-25") -> dict[str, Any]:
        """The handshake of the older versions; returns its result."""
        info = {"name": name, "version": "1"}
        reply = self.ask("initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": info})
        self.notify("notifications/initialized")
        result: dict[str, Any] = reply["result"]
        return result

    def until(self, what: Iterable[object], count: int = 1, within: float = _SECONDS) -> None:
        """Return when the list (`notifications`, `unasked`) has as many members."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(list(what)) >= count, within), f"only {list(what)}"

    def end(self, within: float = 10.0) -> int:
        """Close its standard input; returns its exit code."""
        assert self.child.stdin is not None
        self.child.stdin.close()
        return self.child.wait(within)

    def end_beside(self, idle: Relay) -> int:
        """Close its standard input; its exit code. It may take no longer than one that has nothing under way.

        A relay waits two seconds for calls that come to an end. Seconds alone would be those of a busy machine.
        """
        for relay in (idle, self):
            assert relay.child.stdin is not None
            relay.child.stdin.close()
        idle.child.wait(30)
        return self.child.wait(1.5)

    def kilobytes(self) -> int:
        """Its resident memory."""
        status = Path(f"/proc/{self.child.pid}/status").read_text("ascii", "replace")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            message = json.loads(line)
            with self._changed:
                if "method" in message:
                    self.notifications.append(message)
                elif message["id"] is None:
                    self.unasked.append(message)
                else:
                    assert message["id"] not in self._replies, "answered twice"
                    self._replies[message["id"]] = message
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
