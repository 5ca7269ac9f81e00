"""The relay: lines of standard input to requests, answers to lines of standard output, any number at a time."""

from __future__ import annotations

import os
import sys
import time
from _thread import allocate_lock, start_new_thread

from persistproc_core.errors import PersistprocError
from persistproc_core.framing import MAX_MESSAGE_BYTES, decode
from persistproc_core.paths import resolve_home

from . import messages
from .call import Call
from .http import Exchange, Lost
from .lines import Output, lines_of
from .starting import Bridge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Relay", "main"]

_MOST_CALLS = 256
_LAST_SECONDS = 2.0
"""How long calls under way may go on when the client has closed our standard input."""
_PAUSE = 0.02
_INVALID_REQUEST = -32600
_TOO_MANY = -32000
_INTERRUPTED = 130


class Relay:
    """One session of a client."""

    def __init__(self, bridge: Bridge, output: Output, identity: Sequence[str]) -> None:
        self._bridge = bridge
        self._output = output
        self._identity = identity
        self._client: str | None = None
        self._negotiated: str | None = None
        self._calls: dict[tuple[type, object], Call] = {}
        self._lock = allocate_lock()

    def take(self, line: bytes | None) -> None:
        """Deal with a line of the client; None: it was too long to be kept."""
        if line is None:
            text = f"the message is longer than {MAX_MESSAGE_BYTES} bytes"
            self._output.send(messages.error(None, _INVALID_REQUEST, text))
            return
        try:
            message = decode(line)
        except PersistprocError as error:
            self._output.send(messages.error(None, error.rpc_code, error.message))
            return
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            text = "a message is one JSON-RPC 2.0 object; several at once are not taken"
            self._output.send(messages.error(None, _INVALID_REQUEST, text))
        elif "method" not in message:
            return  # an answer; the bridge asks nothing
        elif not isinstance(message["method"], str) or not isinstance(message.get("id", ""), (str, int)):
            self._output.send(messages.error(None, _INVALID_REQUEST, "method is a text, id a text or a number"))
        elif "id" in message:
            self._request(message, line)
        else:
            self._notification(message, line)

    def finish(self) -> None:
        """The client has gone: let calls under way come to their end for a moment, then give them up."""
        deadline = time.monotonic() + _LAST_SECONDS
        while self._unfinished() and not self._output.broken and time.monotonic() < deadline:
            time.sleep(_PAUSE)

    def _unfinished(self) -> bool:
        with self._lock:
            return any(not call.endless for call in self._calls.values())

    def _request(self, message: dict[str, object], line: bytes) -> None:
        self._client = messages.client_header(message) or self._client
        call = Call(message, line, self._head(message))
        key = (type(message["id"]), message["id"])
        with self._lock:
            full = len(self._calls) >= _MOST_CALLS
            if not full:
                self._calls[key] = call
        if full:
            text = f"{_MOST_CALLS} requests are under way; wait for some of them"
            self._output.send(messages.error(message["id"], _TOO_MANY, text))
            return
        start_new_thread(self._see_through, (call, key))

    def _see_through(self, call: Call, key: tuple[type, object]) -> None:
        try:
            call.run(self._bridge, self._output, self._answered)
        except Exception as error:
            # Nobody else would answer, and the client would wait for ever.
            call.fail(self._output, f"defect in the relay: {type(error).__name__}: {error}")
        finally:
            with self._lock:
                if self._calls.get(key) is call:
                    del self._calls[key]

    def _answered(self, reply: Mapping[str, object]) -> None:
        result = reply.get("result")
        if isinstance(result, dict) and isinstance(result.get("protocolVersion"), str):
            self._negotiated = result["protocolVersion"]

    def _notification(self, message: dict[str, object], line: bytes) -> None:
        if message["method"] == "notifications/cancelled":
            wanted = messages.params_of(message).get("requestId")
            with self._lock:
                call = self._calls.get((type(wanted), wanted)) if isinstance(wanted, (str, int)) else None
            if call is not None:
                call.cancel()
        if not messages.is_modern(message) and self._negotiated is not None:
            # Without a handshake there are no notifications from a client over HTTP.
            start_new_thread(self._pass_on, (line, self._head(message)))

    def _pass_on(self, line: bytes, head: list[str]) -> None:
        try:
            exchange: Exchange = self._bridge.connect()
        except PersistprocError:
            return  # what has not been told to a bridge that is not there, the next one need not know
        try:
            exchange.send(head, line)
        except Lost:
            pass
        finally:
            exchange.close()

    def _head(self, message: Mapping[str, object]) -> list[str]:
        client = [f"Persistproc-Client: {self._client}"] if self._client else []
        return [*_HEAD, *messages.version_headers(message, self._negotiated), *self._identity, *client]


_HEAD = (
    "POST /mcp/ HTTP/1.1",
    "Host: localhost",
    "Content-Type: application/json",
    "Accept: application/json, text/event-stream",
)


def main(arguments: Sequence[str]) -> int:
    """Relay until standard input ends; returns the exit code."""
    home_path, options = _options(list(arguments))
    try:
        home = resolve_home(home_path)
        home.ensure()
    except PersistprocError as error:
        sys.stderr.write(f"persistproc: {error.message} ({error.hint})\n")
        return error.exit_code
    if os.isatty(0):
        sys.stderr.write("persistproc mcp speaks MCP with an agent that has started it; Ctrl-D ends it\n")
    output = Output(1)
    relay = Relay(Bridge(home, options), output, _identity())
    try:
        for line in lines_of(0):
            relay.take(line)
            if output.broken:
                break
        relay.finish()
    except KeyboardInterrupt:
        os._exit(_INTERRUPTED)
    # The threads of streams that never end would be waited for by nobody, and might be in the middle of a write.
    os._exit(0)


def _options(words: list[str]) -> tuple[str | None, list[str]]:
    """The home, and what a bridge that we start is told. The command line has checked the words."""
    home = None
    rest: list[str] = []
    while words:
        word = words.pop(0)
        if word == "--home" and words:
            home = words.pop(0)
        else:
            rest.append(word)
    return home, [*rest, "--port-if-free"]


def _identity() -> list[str]:
    """Who speaks through us: the process that started us, and where it works."""
    lines = [f"Persistproc-Pid: {os.getppid()}"]
    try:
        lines.append(f"Persistproc-Directory: {messages.percent_encoded(os.fsencode(os.getcwd()))}")
    except OSError:
        pass  # it was deleted; then a call has to say its directory itself
    return lines
