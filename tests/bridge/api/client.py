"""A client of the plain HTTP interface: requests, server-sent events, WebSockets."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from typing_extensions import Self
from websockets.sync.client import ClientConnection, connect

from tests.kit.bridge import Bridge

__all__ = ["Api", "EventStream", "Reply", "Sent"]

SECONDS = 20.0


class Reply(NamedTuple):
    """The answer to a request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The document."""
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        """The error that it tells."""
        return self.json["error"]


class Sent(NamedTuple):
    """One server-sent event."""

    id: str
    type: str
    data: str

    @property
    def json(self) -> Any:
        """Its document."""
        return json.loads(self.data)


class EventStream:
    """A stream of server-sent events, read as the HTML standard has it (section 9.2.6)."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response
        self.last_event_id = ""
        self.comments: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Go away."""
        self._response.close()
        self._connection.close()

    def __iter__(self) -> Iterator[Sent]:
        kind, data = "message", list[str]()
        for raw in self._response:
            line = raw.decode("utf-8").rstrip("\n")
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                if data:
                    yield Sent(self.last_event_id, kind, "\n".join(data))
                kind, data = "message", []
            elif not name:
                self.comments.append(value)
            elif name == "id":
                self.last_event_id = value
            elif name == "event":
                kind = value
            elif name == "data":
                data.append(value)

    def rest(self) -> bytes:
        """Everything up to its end. Raises `http.client.IncompleteRead` when it was cut off."""
        return self._response.read()

    def lines(self) -> Iterator[str]:
        """The text of what is printed, line by line; events are left out."""
        for sent in self:
            if sent.type == "output":
                yield from (line["text"] for line in sent.json["lines"])


class Api:
    """Requests of one client that works in a directory."""

    def __init__(self, bridge: Bridge, directory: Path, name: str = "api-test") -> None:
        self.bridge = bridge
        self.directory = directory
        self._headers = {
            "Persistproc-Client": f"{name}/1",
            "Persistproc-Directory": quote(str(directory)),
            "Content-Type": "application/json",
        }

    def request(self, verb: str, path: str, body: bytes | None = None) -> Reply:
        """Any request."""
        connection = self._connection()
        try:
            connection.request(verb, path, body, self._headers if verb in ("POST", "PATCH") else self._reading())
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, headers, response.read())
        finally:
            connection.close()

    def get(self, path: str, /, **query: object) -> Reply:
        """GET."""
        return self.request("GET", path + _query(query))

    def delete(self, path: str, /, **query: object) -> Reply:
        """DELETE."""
        return self.request("DELETE", path + _query(query))

    def post(self, path: str, /, **params: object) -> Reply:
        """POST with a JSON object."""
        return self.request("POST", path, json.dumps(params).encode())

    def patch(self, path: str, /, **params: object) -> Reply:
        """PATCH with a JSON object."""
        return self.request("PATCH", path, json.dumps(params).encode())

    def rpc(self, message: object) -> Reply:
        """POST to /rpc."""
        return self.request("POST", "/rpc", json.dumps(message).encode())

    def start(self, command: list[str], name: str, **params: object) -> Any:
        """Start a process of the tests and wait until it is ready."""
        reply = self.post("/api/processes", command=command, name=name, **params)
        assert reply.status == 201, reply
        self.said(name, "^(ready|out 0)")
        return reply.json

    def said(self, name: str, pattern: str) -> None:
        """Return when a process has printed a line."""
        reply = self.post(f"/api/processes/{name}/wait", output=pattern, timeout_seconds=10)
        assert reply.status == 200, reply

    def stream(self, path: str, last_event_id: str = "", /, **query: object) -> EventStream:
        """A stream of events; close it."""
        connection = self._connection()
        headers = self._reading() | ({"Last-Event-ID": last_event_id} if last_event_id else {})
        connection.request("GET", path + _query(query), headers=headers)
        response = connection.getresponse()
        stream = EventStream(connection, response)
        if response.headers["Content-Type"] != "text/event-stream; charset=utf-8":
            with stream:
                raise AssertionError(f"no stream, but {response.status}: {response.read()!r}")
        return stream

    @contextmanager
    def websocket(self, path: str, /, **query: object) -> Iterator[ClientConnection]:
        """A WebSocket."""
        url = self.bridge.url.replace("http", "ws") + path + _query(query)
        with connect(url, additional_headers=self._reading(), open_timeout=SECONDS, proxy=None) as socket:
            yield socket

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.bridge.port, timeout=SECONDS)

    def _reading(self) -> dict[str, str]:
        return {name: value for name, value in self._headers.items() if name != "Content-Type"}


def _query(query: dict[str, object]) -> str:
    return f"?{urlencode(query, doseq=True)}" if query else ""
