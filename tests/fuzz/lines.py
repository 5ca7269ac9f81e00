"""Targets that read bytes: the framing of the socket and the frames of the keeper, cut anywhere."""

from __future__ import annotations

import json
import random
import zlib

from persistproc_core.errors import InvalidRequest, PersistprocError
from persistproc_core.framing import LineReader, decode, encode
from persistproc_core.keeper.wire import FrameReader, frame, pack
from tests.fuzz.target import CORPUS, Target

__all__ = ["Frames", "Framing", "cut", "golden"]


def golden() -> list[bytes]:
    """The lines of the protocol as clients and the daemon write them, one of each kind."""
    return (CORPUS / "golden.jsonl").read_bytes().splitlines(keepends=True)


def cut(case: bytes) -> list[bytes]:
    """Pieces of the case, cut where its own checksum says: the same case is always cut in the same way."""
    chance = random.Random(zlib.crc32(case))
    ends = sorted(chance.randrange(len(case) + 1) for _ in range(chance.randrange(8)))
    return [case[begin:end] for begin, end in zip([0, *ends], [*ends, len(case)], strict=True)]


class Framing(Target):
    """Any bytes, cut anywhere: the same lines, only typed errors, and a buffer that stays below the cap."""

    name = "framing"
    cases = 1_000_000

    def seeds(self) -> list[bytes]:
        return [*golden(), b"".join(golden()[:6]), b"", b"\n", b"\r\n", b"[" * 33, b"{}\r\n[]\n"]

    def check(self, case: bytes) -> int:
        # A small cap most of the time, so that it is met; the cap is part of the case as well.
        cap = 1 + zlib.adler32(case) % 64 if len(case) % 3 else 1 << 16
        lines, ended = _lines(cap, [case])
        assert (lines, ended) == _lines(cap, cut(case)), "another cut gives other lines"
        for line in lines:
            _decoded(line)
        return 1


def _lines(cap: int, pieces: list[bytes]) -> tuple[list[bytes], bool]:
    reader = LineReader(cap)
    lines: list[bytes] = []
    for piece in pieces:
        reader.feed(piece)
        try:
            while (line := reader.next_line()) is not None:
                assert len(line) < cap, "a line of the cap or longer"
                lines.append(line)
        except InvalidRequest:
            return lines, True
        assert len(reader._buffer) < cap, "the buffer holds the cap or more"
    return lines, False


def _decoded(line: bytes) -> None:
    try:
        value = decode(line)
    except PersistprocError:
        return
    try:
        written = encode(value)
    except ValueError:
        # 1e999 is infinite in Python: taken where a number is expected, and never written.
        assert "Infinity" in json.dumps(value), line
        return
    assert written.isascii(), line
    assert written.count(b"\n") == 1, line
    assert decode(written[:-1]) == value, line


class Frames(Target):
    """The same for the wire between daemon and keeper."""

    name = "frames"
    cases = 300_000

    def seeds(self) -> list[bytes]:
        start = frame(
            b"start", b"7", b"web.1.aa", b"/h/runs/web.1.aa", b"/", pack([b"sleep", b"1"]), b"", b"18", b"", b""
        )
        return [frame(b"hello", b"1", b"1"), start, frame(b"watch", b"x", b"0", b"0") * 3, frame(), frame(b"")]

    def check(self, case: bytes) -> int:
        whole = _frames([case])
        assert whole == _frames(cut(case)), "another cut gives other frames"
        again = b"".join(frame(*fields) for fields in whole[0])
        assert case.startswith(again) or b"".join(pack(fields) for fields in whole[0]) in _bodies(case), "not what came"
        return 1


def _frames(pieces: list[bytes]) -> tuple[list[list[bytes]], bool]:
    reader = FrameReader()
    found: list[list[bytes]] = []
    for piece in pieces:
        try:
            found.extend(reader.feed(piece))
        except ValueError:
            return found, True
    return found, False


def _bodies(case: bytes) -> bytes:
    bodies, at = b"", 0
    while len(case) - at >= 4:
        size = int.from_bytes(case[at : at + 4], "big")
        bodies += case[at + 4 : at + 4 + size]
        at += 4 + size
    return bodies
