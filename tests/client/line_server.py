"""A tiny line server that stands in for daemons of other versions, and for ones that hang, lie or die."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

__all__ = ["HELLO", "LineServer", "Peer", "answer", "echo", "line_server"]

HELLO = {"protocol": 1, "oldest_protocol": 1, "version": "9.9", "pid": 4711, "instance": "line-server"}


class Peer:
    """One accepted connection."""

    def __init__(self, sock: socket.socket, seen: list[dict[str, Any]]) -> None:
        self.sock = sock
        self._file = sock.makefile("rb")
        self._seen = seen

    def send(self, message: object) -> None:
        self.sock.sendall(json.dumps(message).encode() + b"\n")

    def greet(self, **fields: object) -> None:
        self.send({"jsonrpc": "2.0", "method": "hello", "params": {**HELLO, **fields}})

    def request(self) -> dict[str, Any]:
        """The next request. Raises `EOFError` when the client has closed."""
        line = self._file.readline()
        if not line:
            raise EOFError
        request: dict[str, Any] = json.loads(line)
        self._seen.append(request)
        return request

    def batch(self) -> list[dict[str, Any]]:
        """The next line, which holds several requests; counted as one that was seen."""
        requests: list[dict[str, Any]] = json.loads(self._file.readline())
        self._seen.append({"batch": requests})
        return requests

    def reply(self, request: dict[str, Any], result: object) -> None:
        self.send({"jsonrpc": "2.0", "id": request["id"], "result": result})

    def wait_closed(self) -> None:
        """Return when the client has closed."""
        while self._file.read(1):
            pass

    def close(self) -> None:
        self._file.close()
        self.sock.close()


Script = Callable[[Peer], None]


def answer(peer: Peer) -> None:
    """Greets, and answers every request with the request."""
    peer.greet()
    while True:
        request = peer.request()
        peer.reply(request, request)


def echo(peer: Peer) -> None:
    """Greets, and answers every request with its parameters."""
    peer.greet()
    while True:
        request = peer.request()
        peer.reply(request, request["params"])


class LineServer:
    """Plays one script per connection, the last one for all that come after; ``seen`` holds every request.

    The listener is bound and listens. A script that fails makes the end of the with statement fail.
    """

    def __init__(self, listener: socket.socket, *scripts: Script) -> None:
        self.seen: list[dict[str, Any]] = []
        self.connections = 0
        self.failures: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
        self._scripts = scripts
        self._peers: list[Peer] = []
        self._threads: list[threading.Thread] = []
        self._listener = listener
        self._thread = threading.Thread(target=self._accept)

    def __enter__(self) -> LineServer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        for peer in self._peers:
            with contextlib.suppress(OSError):
                peer.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()
        if not self.failures.empty():
            raise self.failures.get()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            peer = Peer(sock, self.seen)
            self._peers.append(peer)
            self._threads.append(threading.Thread(target=self._play, args=(script, peer)))
            self._threads[-1].start()

    def _play(self, script: Script, peer: Peer) -> None:
        try:
            script(peer)
        except (EOFError, OSError):
            pass  # the client has left
        except BaseException as failure:
            self.failures.put(failure)
        finally:
            peer.close()


@contextlib.contextmanager
def line_server(path: str, *scripts: Script) -> Iterator[LineServer]:
    """A server on ``path`` for the time of a with statement."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        with LineServer(listener, *scripts) as server:
            yield server
