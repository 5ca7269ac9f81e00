"""A daemon that is started as a service takes the place of one that runs already.

Any client starts a daemon when it finds none, so at the start of the service one may well be there, outside of it. To
leave at once would have the manager start us again and again; to wait would keep it in the middle of a start for
hours. So the other one is asked to end; its processes go on, and we find them as after every change of daemons.
"""

from __future__ import annotations

import json
import socket
import time

from ..errors import DaemonUnavailable
from ..lock_file import open_lock, try_lock
from ..paths import Home
from .home.lock import AlreadyRunning, take_lock

__all__ = ["hold_start_lock", "lock_instead_of_other"]

_OTHERS_START_SECONDS = 15.0
_OTHERS_END_SECONDS = 20.0
_LOOK_SECONDS = 0.05
_ANSWER_SECONDS = 5.0
_LONGEST = 1024 * 1024


def hold_start_lock(home: Home) -> int:
    """Keep clients from starting a daemon of their own in between; close the descriptor when connections are accepted.

    A client that is starting one just now is waited for. One that hangs with the lock in its hand is not: nothing is
    lost without the lock, only we might have to ask once more. Raises `OSError`.
    """
    lock = open_lock(home.start_lock)
    deadline = time.monotonic() + _OTHERS_START_SECONDS
    while time.monotonic() < deadline and not try_lock(lock):
        time.sleep(_LOOK_SECONDS)
    return lock


def lock_instead_of_other(home: Home, within: float = _OTHERS_END_SECONDS) -> int:
    """Hold the home's lock for life, and return its descriptor; a daemon that has it is asked to end, and waited for.

    Raises `DaemonUnavailable` when it does not end.
    """
    deadline = time.monotonic() + within
    asked = False
    while True:
        try:
            return take_lock(home)
        except AlreadyRunning:
            # One that has just got its lock does not listen yet: asked again until it has heard us.
            asked = asked or _ask_to_end(home)
        if time.monotonic() >= deadline:
            raise DaemonUnavailable(
                f"a daemon holds {home.lock} and does not end: it {'was asked to' if asked else 'does not answer'}",
                hint="see persistproc doctor",
            )
        time.sleep(_LOOK_SECONDS)


def _ask_to_end(home: Home) -> bool:
    """True when it has answered. Of every protocol version the daemon understands this one request."""
    # No client is named: ClientInfo is none of what keeps its form for ever.
    request = {"jsonrpc": "2.0", "id": 1, "method": "shutdown_daemon", "params": {"stop_processes": False}}
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_ANSWER_SECONDS)
            connection.connect(home.socket)
            with connection.makefile("rb") as lines:
                if not lines.readline(_LONGEST):
                    return False  # its hello; without one it is about to end by itself
                connection.sendall(json.dumps(request).encode() + b"\n")
                return b'"result"' in lines.readline(_LONGEST)
    except OSError:
        return False
