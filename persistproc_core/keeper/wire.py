"""The private wire between the daemon and the keeper: frames of byte fields, without any I/O.

A frame is a 4-byte big-endian length and that many bytes; these hold fields, each a 4-byte length and its bytes. A list
inside a field is packed the same way. Strings are file-system encoded, numbers decimal ASCII.

Requests of the daemon: ``verb, id, ...``; the keeper answers ``ok, id, ...`` or ``failed, id, what, errno, detail``:

=========  ========================================================  ==========================================
verb       fields                                                    answer
=========  ========================================================  ==========================================
hello      version                                                   version, pid; older connections are dropped
list                                                                 one packed list a run (see `run.describe`)
upgrade    interpreter, program (absolute paths)                     version of the program that serves from now on;
                                                                     ``failed`` says why the old one goes on
start      run id, folder, directory, argv, environment, umask,      pid, start time; ``failed`` names the stage
           limits, ignored signals, bytes to keep of each stream,
           size (rows and columns of its terminal, or empty),
           latest
adopt      run id, folder, bytes to keep, ``terminal`` or empty,     nothing: a run that is not our child is drained;
           pid                                                       FIFOs without a name are found by the pid
signal     run id, number, ``group`` or ``leader``, latest           ``sent`` or ``gone``
resize     run id, rows, columns                                     ``resized``, or ``none``: it has no terminal
blocked    pid, ... (at most 256)                                    for each what its threads wait to read, packed
                                                                     (see `blocked`)
drain      run id                                                    nothing: what was written is in the log now
release    run id                                                    nothing: reaped, closed and forgotten
=========  ========================================================  ==========================================

``latest`` is a moment (monotonic clock, ns): one who reads the request later, because he was stopped, refuses it.

hello, list and upgrade keep their form for ever: a daemon of any version can learn what a keeper of any other version
holds, and have it become the program of its own version (`upgrade`). A program is called as ``PROGRAM --check TABLE``,
``--table TABLE`` or ``--back TABLE`` with the four paths behind it; that, and the head of the table (`table`), stay as
they are as well.

``watch, run id, stdout, stderr`` has no id and no answer. Events of the keeper, without id:

``grew, run id``
    once a watch, when the log is longer than those offsets
``exited, run id, outcome``
    ``exit CODE TIME`` or ``signal NUMBER TIME``, wall clock in ns
``started, run id``
    when the daemon that asked for the start is gone
``rolled, run id``
    the run has begun another segment; once for 4 MiB at most
``lost, run id, bytes``
    a full disk has cost output, old or new; at its beginning, then once a minute at most, and at the end
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["VERSION", "FrameReader", "frame", "pack", "unpack"]

VERSION = 1
"""Raised with each change of the keeper that one that already runs should have: its daemon has it upgrade itself."""

_MAX_FRAME = 64 * 1024 * 1024


def pack(fields: Iterable[bytes]) -> bytes:
    """Fields to bytes."""
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def unpack(data: bytes) -> list[bytes]:
    """Bytes to fields. Raises `ValueError` when they do not add up."""
    fields = []
    position = 0
    while position < len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        position += 4
        if position + size > len(data):
            raise ValueError("a field runs past the end of its frame")
        fields.append(data[position : position + size])
        position += size
    return fields


def frame(*fields: bytes) -> bytes:
    """One whole frame."""
    body = pack(fields)
    return len(body).to_bytes(4, "big") + body


class FrameReader:
    """Collects chunks and hands out complete frames."""

    __slots__ = ("_buffer",)

    def __init__(self, begun: bytes = b"") -> None:
        """``begun``: the beginning of a frame that came before."""
        self._buffer = bytearray(begun)

    @property
    def begun(self) -> bytes:
        """What has come of a frame that is not complete."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> Iterator[list[bytes]]:
        """The frames that are complete now. Raises `ValueError` when the peer does not speak this wire."""
        self._buffer += data
        while len(self._buffer) >= 4:
            size = int.from_bytes(self._buffer[:4], "big")
            if size > _MAX_FRAME:
                raise ValueError("a frame is too long")
            if len(self._buffer) < 4 + size:
                return
            body = bytes(self._buffer[4 : 4 + size])
            del self._buffer[: 4 + size]
            yield unpack(body)
