"""The bridge as the command line sees it: asked over its socket, ended by a signal. Its code is never imported here."""

from __future__ import annotations

import os
import sys

from persistproc_core.client.lightjson import loads
from persistproc_core.errors import DaemonUnavailable

from .daemon import listener_of, wait_until_gone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.paths import Home

__all__ = ["RELAY", "ask", "become", "end"]

_SECONDS = 5.0
_END_SECONDS = 10.0
_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "persistproc_mcp")

RELAY = os.path.join(_PACKAGE, "relay", "__main__.py")
"""The program that speaks MCP over stdio."""


def become(home: Home, options: list[str]) -> None:
    """Run the bridge in place of this process. Raises `DaemonUnavailable`."""
    try:
        # Not where we are: a file of the project called json.py would be imported instead of the module.
        os.chdir("/")
        os.execv(sys.executable, [sys.executable, "-m", "persistproc_mcp", "--home", home.path, *options])
    except OSError as error:
        raise DaemonUnavailable(f"cannot start {sys.executable}: {error.strerror}") from None


def ask(home: Home) -> dict[str, object] | None:
    """What ``GET /health`` answers on the bridge's socket; None when nobody listens there.

    Raises `DaemonUnavailable` for a bridge that is there but does not answer as it should.
    """
    import socket

    home.check()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SECONDS)
        try:
            connection.connect(home.bridge_socket)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        try:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        except OSError as error:
            raise _silent(home, error.strerror or str(error)) from None
    try:
        document = loads(answer.partition(b"\r\n\r\n")[2])
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("name") != "persistproc":
        raise _silent(home, "its answer makes no sense")
    return document


def _silent(home: Home, why: str) -> DaemonUnavailable:
    pid = listener_of(home.bridge_socket)
    return DaemonUnavailable(
        f"the bridge{f' (pid {pid})' if pid else ''} does not answer: {why}",
        hint=f"run: persistproc serve --stop; see {home.bridge_log}",
    )


def end(home: Home) -> int | None:
    """End the bridge of this home, and return its pid when it is gone; None when there is none.

    Only what the kernel names as the listener of our own socket is signalled. Raises `DaemonUnavailable`.
    """
    import signal

    home.check()
    pid = listener_of(home.bridge_socket)
    if pid is None:
        return None
    if pid <= 1:
        raise DaemonUnavailable("the bridge runs where its pid means nothing to us", hint="end it in its container")
    _signal(home, pid, signal.SIGTERM)
    if not wait_until_gone(pid, _END_SECONDS):
        raise DaemonUnavailable(f"the bridge (pid {pid}) does not end", hint=f"run: kill -9 {pid} (processes go on)")
    return pid


def _signal(home: Home, pid: int, number: int) -> None:
    import signal

    opened = getattr(os, "pidfd_open", None)
    send = getattr(signal, "pidfd_send_signal", None)
    try:
        if opened is None or send is None:
            os.kill(pid, number)
            return
        descriptor: int = opened(pid)
        try:
            # Asked again: between the first answer and the descriptor the number may have become somebody else's.
            if listener_of(home.bridge_socket) == pid:
                send(descriptor, number)
        finally:
            os.close(descriptor)
    except ProcessLookupError:
        pass
    except OSError as error:
        raise DaemonUnavailable(f"cannot end the bridge (pid {pid}): {error.strerror}") from None
