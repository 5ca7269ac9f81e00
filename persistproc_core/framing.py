"""Bytes to messages and back, without any I/O: one JSON-RPC message a line, with caps on size and depth.

A message is one line of UTF-8 JSON that ends in ``\\n`` (``\\r\\n`` is accepted, empty lines are skipped).
The caps are checked while reading: a peer that never sends the newline costs at most one cap of memory,
and a deeply nested message is refused before a parser recurses over it.
"""

from __future__ import annotations

from .errors import InvalidRequest, ParseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_DEPTH", "MAX_MESSAGE_BYTES", "MAX_REPLY_BYTES", "LineReader", "decode", "encode"]

MAX_MESSAGE_BYTES = 1024 * 1024
"""A request line may be this long, newline included."""

MAX_REPLY_BYTES = 32 * 1024 * 1024
"""A client reads a reply line up to this long; the daemon caps what it sends far below."""

MAX_DEPTH = 32
"""Arrays and objects may nest this deep."""


class LineReader:
    """Collects chunks and hands out complete lines; splitting the input differently never changes the result."""

    def __init__(self, max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._max = max_bytes
        self._buffer = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> None:
        """Add what was read. Take all lines out with `next_line` before feeding more."""
        self._buffer += data

    def next_line(self) -> bytes | None:
        """The next non-empty line without its ending, or None when more bytes are needed.

        Raises `InvalidRequest` when a line is longer than the cap; the stream cannot be used after that.
        """
        while True:
            end = self._buffer.find(b"\n", self._searched)
            if end < 0:
                self._searched = len(self._buffer)
                if self._searched >= self._max:
                    raise self._too_long()
                return None
            if end >= self._max:
                raise self._too_long()
            line = bytes(self._buffer[:end]).rstrip(b"\r")
            del self._buffer[: end + 1]
            self._searched = 0
            if line:
                return line

    def _too_long(self) -> InvalidRequest:
        return InvalidRequest(f"the message is longer than {self._max} bytes", hint="send less in one message")


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON (RFC 8259, section 6)")


_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def _check_depth(line: bytes) -> None:
    # json.loads recurses: without this a 2 kB line of brackets is a RecursionError deep inside the parser.
    # Only brackets outside of strings are looked at one by one: a megabyte of text with brackets took 90 ms of the
    # event loop. A backslash outside of a string ends the parse, so what follows it may be counted wrongly.
    outside = b"".join(line.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    depth = 0
    for byte in outside.translate(None, _NO_BRACKETS):
        if byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidRequest(f"the message nests deeper than {MAX_DEPTH} levels")
        else:
            depth -= 1


_CODERS: list[tuple[Callable[[str], object], Callable[[object], str]]] = []


def _coders() -> tuple[Callable[[str], object], Callable[[object], str]]:
    # Made once: json.loads and json.dumps make new ones at each call that is not all defaults. Made late: a client
    # needs `LineReader` alone, and json takes longer to load than all the rest of it.
    if not _CODERS:
        import json

        decoder = json.JSONDecoder(parse_constant=_refuse_constant)
        encoder = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
        _CODERS.append((decoder.decode, encoder.encode))
    return _CODERS[0]


def decode(line: bytes) -> object:
    """One line of strict UTF-8 JSON.

    Raises `ParseError` for what is not JSON (bad UTF-8, NaN, a number too long to parse) and `InvalidRequest`
    for what nests too deep.
    """
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH:
        _check_depth(line)
    try:
        return _coders()[0](line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ParseError(f"the message is not JSON: {error}") from None


def encode(message: object) -> bytes:
    """The line for a message: ASCII JSON (lone surrogates survive as escapes), newline at the end."""
    return _coders()[1](message).encode("ascii") + b"\n"
