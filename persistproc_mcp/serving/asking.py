"""Asking a bridge, ours or another one, what it is: ``GET /health``.

By hand: the module ``http.client`` would be with the watcher for all its life, and that is a third of its memory.
"""

from __future__ import annotations

import json
import socket
import time
from typing import cast

from persistproc_core.paths import Home

from ..settings import About

__all__ = ["about_home", "about_port"]

_LONGEST = 65536


def about_home(home: Home, seconds: float) -> About | None:
    """What the bridge of this home says; None when nobody answers in time."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connected:
        connected.settimeout(seconds)
        try:
            connected.connect(home.bridge_socket)
        except OSError:
            return None
        return _health(connected, "localhost", seconds)


def about_port(address: str, port: int, seconds: float) -> About | None:
    """What the persistproc at a port says; None when it is none, or does not tell us."""
    try:
        with socket.create_connection((address, port), seconds) as connected:
            return _health(connected, f"[{address}]:{port}" if ":" in address else f"{address}:{port}", seconds)
    except OSError:
        return None


def _health(connected: socket.socket, host: str, seconds: float) -> About | None:
    deadline = time.monotonic() + seconds
    answer = b""
    try:
        connected.sendall(f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        while len(answer) < _LONGEST and (left := deadline - time.monotonic()) > 0:
            connected.settimeout(left)
            piece = connected.recv(_LONGEST)
            if not piece:
                break
            answer += piece
        document: object = json.loads(answer.partition(b"\r\n\r\n")[2])
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict) or document.get("name") != "persistproc":
        return None
    return cast("About", document)
