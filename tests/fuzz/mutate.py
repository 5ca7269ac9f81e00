"""Mutations of bytes, as fuzzers make them: flips, cuts, repetitions, splices, and words that parsers trip over."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

__all__ = ["WORDS", "Mutator"]

WORDS: tuple[bytes, ...] = (
    b"\n",
    b"\r\n",
    b"\r",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\\u0000",
    b"\\",
    b'"',
    b"'",
    b"`",
    b"$(",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[[[[[[[",
    b'{"a":',
    b":",
    b",",
    b"null",
    b"true",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-0",
    b"9223372036854775808",
    b"9" * 400,
    b"9" * 5000,
    b"../",
    b"-",
    b"\x1b[31m",
    b"\x1b]0;",
    b"\x9b",
    b"\xc2\x9b",
    b"\xe2\x80\xae",
    b"\x7f",
    b"\x80",
    b"\xff\xff\xff\xff",
    b"\0\0\0\0",
    b"\0\0\0\1",
    b"\x7f\xff\xff\xff",
)


class Mutator:
    """Makes new cases of old ones; the same chance makes the same cases."""

    def __init__(self, seeds: Sequence[bytes], words: Sequence[bytes] = WORDS, longest: int = 1 << 16) -> None:
        self._seeds = [*seeds] or [b""]
        self._words = [*words]
        self._longest = longest
        self._steps: list[Callable[[bytearray, random.Random], None]] = [
            _flip,
            _set,
            _delete,
            _truncate,
            _repeat,
            _swap,
            self._insert,
            self._insert,
            self._splice,
        ]

    @property
    def first(self) -> bytes:
        """The first seed."""
        return self._seeds[0]

    def mutated(self, chance: random.Random) -> bytes:
        """A case that differs from a seed in one to eight places."""
        return self.mutate(chance.choice(self._seeds), chance)

    def mutate(self, case: bytes, chance: random.Random) -> bytes:
        """The same of a case of yours."""
        data = bytearray(case)
        for _ in range(1 << chance.randrange(4)):
            chance.choice(self._steps)(data, chance)
        return bytes(data[: self._longest])

    def _insert(self, data: bytearray, chance: random.Random) -> None:
        at = chance.randrange(len(data) + 1)
        data[at:at] = chance.choice(self._words)

    def _splice(self, data: bytearray, chance: random.Random) -> None:
        other = chance.choice(self._seeds)
        begin = chance.randrange(len(other) + 1)
        at = chance.randrange(len(data) + 1)
        data[at:at] = other[begin : begin + chance.randrange(64)]


def _flip(data: bytearray, chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _set(data: bytearray, chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.randrange(256)


def _delete(data: bytearray, chance: random.Random) -> None:
    begin = chance.randrange(len(data) + 1)
    del data[begin : begin + 1 + chance.randrange(16)]


def _truncate(data: bytearray, chance: random.Random) -> None:
    if chance.randrange(4) == 0:
        del data[chance.randrange(len(data) + 1) :]


def _repeat(data: bytearray, chance: random.Random) -> None:
    begin = chance.randrange(len(data) + 1)
    data[begin:begin] = data[begin : begin + 1 + chance.randrange(8)] * (1 << chance.randrange(7))


def _swap(data: bytearray, chance: random.Random) -> None:
    if len(data) > 1:
        one, other = chance.randrange(len(data)), chance.randrange(len(data))
        data[one], data[other] = data[other], data[one]
