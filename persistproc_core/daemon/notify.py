"""Tells the service manager that started the daemon how it is: sd_notify(3), without its library.

One datagram of ``NAME=value`` lines to the socket that ``NOTIFY_SOCKET`` names. Outside a service every call is without
effect.
"""

from __future__ import annotations

import array
import os
import select
import socket
from collections.abc import MutableMapping

__all__ = ["Notifier", "take_from_environment"]

_VARIABLE = "NOTIFY_SOCKET"
# What systemd.exec(5) hands to each service. A process of ours that found it would tell the manager, in our name, that
# it is ready, or would take our standard streams and sockets for its own.
_OURS_ALONE = (
    _VARIABLE,
    "CREDENTIALS_DIRECTORY",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "MAINPID",
    "MANAGERPID",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
    "SYSTEMD_EXEC_PID",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
)
_BARRIER_SECONDS = 5.0


class Notifier:
    """The way to the manager. Nothing here raises: a manager that does not listen is none of the daemon's business."""

    def __init__(self, address: str = "") -> None:
        """``address``: the value of NOTIFY_SOCKET; empty when nobody wants to be told."""
        self._address = address

    @property
    def variables(self) -> dict[str, str]:
        """What the environment of the daemon's successor needs, and nobody else's."""
        return {_VARIABLE: self._address} if self._address else {}

    def ready(self) -> None:
        """Connections are accepted."""
        self._send("READY=1")

    def stopping(self) -> None:
        """The end has begun, and was meant."""
        self._send("STOPPING=1")

    def hand_over(self, pid: int) -> None:
        """The service's main process is that one from now on. Blocks until the manager knows, 5 seconds at most.

        From then on the manager takes nothing from us any more (``NotifyAccess=main``), so nothing is sent either.
        """
        # Without waiting, the manager may see our end first and take the service for ended.
        if self._send(f"MAINPID={pid}"):
            self._wait_until_read()
        self._address = ""

    def _wait_until_read(self) -> None:
        """The manager closes what comes with BARRIER=1 when it has got there (sd_notify_barrier(3), systemd 246)."""
        reader, writer = os.pipe()
        try:
            try:
                sent = self._send("BARRIER=1", writer)
            finally:
                os.close(writer)
            if sent:
                poll = select.poll()
                poll.register(reader, 0)
                poll.poll(_BARRIER_SECONDS * 1000)
        finally:
            os.close(reader)

    def _send(self, text: str, descriptor: int | None = None) -> bool:
        # unix(7): an address that begins with @ stands for one in the abstract namespace, which begins with NUL.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        if not address.startswith(("/", "\0")):
            return False
        ancillary = []
        if descriptor is not None:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
                # A manager that hangs must not hang us.
                connection.setblocking(False)
                connection.sendmsg([text.encode()], ancillary, 0, os.fsencode(address))
        except OSError:
            return False
        return True


def take_from_environment(environment: MutableMapping[str, str] = os.environ) -> Notifier:
    """The notifier of this process. What the manager said to this process alone is gone from the environment then."""
    address = environment.get(_VARIABLE, "")
    for name in _OURS_ALONE:
        environment.pop(name, None)
    return Notifier(address)
