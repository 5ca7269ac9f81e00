"""What the old daemon and the new one say to each other, over a socketpair.

A message is eight bytes of length (big-endian) and a JSON object; descriptors come with its first byte (SCM_RIGHTS,
unix(7)). The two are of different versions, so what stands here keeps its form for ever:

1. new: ``{"stage": "loaded", "version", "protocol", "unreadable": [run ids]}``
2. old: ``{"inherited": {"umask", "files"}, "memory": {...}}`` with two descriptors, the lock and the listening socket
3. new: ``{"stage": "ready", "version", "instance"}``

The end of file before ``ready`` means that the other side is gone.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import anyio

__all__ = ["Channel", "ChannelBroken", "Message"]

_LENGTH = struct.Struct(">Q")
_MOST_BYTES = 1 << 30
_MOST_DESCRIPTORS = 8
_CHUNK = 256 * 1024


class ChannelBroken(Exception):
    """The other side is gone, or says what makes no sense."""


class Message(NamedTuple):
    """What was said, and the descriptors that came with it; they are the receiver's to close."""

    content: Mapping[str, object]
    descriptors: list[int]


class Channel:
    """One end. It waits on the event loop; `receive_blocking` is for the side that has none yet."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._buffer = bytearray()
        self._descriptors: list[int] = []

    async def send(self, content: Mapping[str, object], descriptors: Sequence[int] = ()) -> None:
        """Say something. Raises `ChannelBroken`."""
        self._socket.setblocking(False)
        data = memoryview(_packed(content))
        while data:
            try:
                data = data[socket.send_fds(self._socket, [data[:_CHUNK]], list(descriptors)) :]
                descriptors = ()
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
            except OSError as error:
                raise ChannelBroken(f"it is gone ({error.strerror})") from None

    async def receive(self) -> Message:
        """The next message. Raises `ChannelBroken`."""
        self._socket.setblocking(False)
        while (message := self._next()) is None:
            try:
                self._read()
            except BlockingIOError:
                await anyio.wait_readable(self._socket)
        return message

    def send_blocking(self, content: Mapping[str, object], seconds: float) -> None:
        """As `send`. Raises `ChannelBroken`, also when the time is up."""
        self._socket.settimeout(seconds)
        try:
            self._socket.sendall(_packed(content))
        except OSError as error:
            raise ChannelBroken(f"it does not listen ({error})") from None

    def receive_blocking(self, seconds: float) -> Message:
        """As `receive`. Raises `ChannelBroken`, also when nothing came for so long."""
        self._socket.settimeout(seconds)
        while (message := self._next()) is None:
            try:
                self._read()
            except TimeoutError:
                raise ChannelBroken(f"it has said nothing for {seconds:g} s") from None
        return message

    def close(self) -> None:
        """Close this end, and the descriptors that came without their message."""
        _close_all(self._descriptors)
        self._socket.close()

    def _read(self) -> None:
        try:
            # MSG_CMSG_CLOEXEC: in between, a process that is just being started would inherit them.
            flags = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
            data, descriptors, _, _ = socket.recv_fds(self._socket, _CHUNK, _MOST_DESCRIPTORS, flags)
        except (BlockingIOError, TimeoutError):
            raise
        except OSError as error:
            raise ChannelBroken(f"it is gone ({error.strerror})") from None
        self._descriptors += descriptors
        if not data:
            raise ChannelBroken("it is gone")
        self._buffer += data

    def _next(self) -> Message | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > _MOST_BYTES:
            raise ChannelBroken("it says what makes no sense")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        try:
            content = json.loads(self._buffer[_LENGTH.size : end])
        except (ValueError, RecursionError):
            raise ChannelBroken("it says what makes no sense") from None
        if not isinstance(content, dict):
            raise ChannelBroken("it says what makes no sense")
        del self._buffer[:end]
        descriptors, self._descriptors = self._descriptors, []
        return Message(content, descriptors)


def _packed(content: Mapping[str, object]) -> bytes:
    text = json.dumps(content).encode("ascii")
    return _LENGTH.pack(len(text)) + text


def _close_all(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        socket.close(descriptor)
    descriptors.clear()
