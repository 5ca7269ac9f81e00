"""The new daemon's side of a handover, before it has an event loop, and its last word when it serves."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple

from ... import __version__
from ...background import forget_terminal
from ...errors import DaemonUnavailable
from ...paths import Home
from ...protocol import PROTOCOL_VERSION
from ..home.lock import note_pid
from ..store import Store
from .channel import Channel, ChannelBroken

__all__ = ["Inherited", "Taken", "take_over"]

_TAKEN_SECONDS = 60.0
_HEARD_SECONDS = 5.0
_DESCRIPTORS = 2


class Inherited(NamedTuple):
    """What a daemon has from whoever started it first, and what its successor would take from it wrongly."""

    umask: int
    """Of children whose caller does not say; the daemon's own is narrower."""
    files: tuple[int, int]
    """Their RLIMIT_NOFILE; the daemon's own is wider."""

    @classmethod
    def parse(cls, given: object) -> Inherited:
        """From what the former daemon sent. Raises `ChannelBroken`."""
        try:
            fields = _as_dict(given)
            soft, hard = (int(number) for number in fields["files"])
            return cls(int(fields["umask"]), (soft, hard))
        except (KeyError, TypeError, ValueError):
            raise ChannelBroken("it handed over something else") from None


class Taken:
    """What the former daemon has handed over."""

    def __init__(self, channel: Channel, lock: int, listener: socket.socket, content: Mapping[str, object]) -> None:
        self._channel = channel
        self.lock = lock
        """The descriptor of the home's lock, which is held."""
        self.listener = listener
        """Listens, with clients in its queue."""
        self.inherited = Inherited.parse(content.get("inherited"))
        self.memory = _as_dict(content.get("memory"))
        """What it had in memory, by the names of the parts."""

    def say_ready(self, instance: str) -> None:
        """We serve: the former one may end."""
        message = {"stage": "ready", "version": __version__, "instance": instance}
        # Before the word, after which its end of our standard streams is closed.
        forget_terminal()
        try:
            self._channel.send_blocking(message, _HEARD_SECONDS)
        except ChannelBroken:
            pass  # it has died after it had handed over; one that goes on itself would have killed us first
        self._channel.close()


def take_over(home: Home, fd: int) -> Taken:
    """Say that all code is loaded, and wait for lock, socket and memory.

    Raises `DaemonUnavailable` when the former daemon has thought better of it, or is gone.
    """
    os.set_inheritable(fd, False)
    channel = Channel(socket.socket(fileno=fd))
    try:
        unreadable = Store(home.runs).unreadable()
        channel.send_blocking(
            {"stage": "loaded", "version": __version__, "protocol": PROTOCOL_VERSION, "unreadable": unreadable},
            _HEARD_SECONDS,
        )
        message = channel.receive_blocking(_TAKEN_SECONDS)
        if len(message.descriptors) != _DESCRIPTORS:
            raise ChannelBroken("it handed over something else")
        lock, listener = message.descriptors
        taken = Taken(channel, lock, socket.socket(fileno=listener), message.content)
    except ChannelBroken as broken:
        raise DaemonUnavailable(f"the former daemon goes on by itself: {broken}") from None
    note_pid(lock)
    return taken


def _as_dict(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ChannelBroken("it handed over something else")
    return value
