"""Requests of JSON-RPC that are nearly right: wrong types, missing, huge, deep, doubled, in other encodings.

Nothing here may act on a process that is there: the acting methods name nobody, and those that would start something or
end the daemon carry what makes them fail.
"""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Sequence
from typing import Literal, get_args, get_origin

from persistproc_core.protocol import METHODS
from persistproc_core.validation import Field, fields, members
from tests.fuzz.mutate import Mutator

__all__ = ["Grammar"]

_READING = (
    "list_processes",
    "get_process_status",
    "get_process_output",
    "follow_process_output",
    "watch_processes",
    "get_news",
    "cancel_subscription",
    "set_mark",
    "list_marks",
    "get_process_log_paths",
    "wait_for_process",
    "get_daemon_status",
    "rpc.discover",
)
_NOWHERE = "/nonexistent/there"
_POISON: dict[str, tuple[str, object]] = {
    "start_process": ("working_directory", _NOWHERE),
    "capture_process": ("no_such_parameter", 1),
    "shutdown_daemon": ("no_such_parameter", 1),
    "replace_daemon": ("no_such_parameter", 1),
    "prune_processes": ("stale", False),
}


class _Raw:
    """Text that stands in the JSON as it is."""

    def __init__(self, text: str) -> None:
        self.text = text


def _deep(depth: int) -> _Raw:
    return _Raw('[{"a":' * (depth // 2) + "1" + "}]" * (depth // 2))


_JUNK: list[object] = [
    *(None, True, False, 0, -1, 1, 7, 1.5, -0.0, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400),
    *map(_Raw, ("9" * 5000, "1e999", "-1e999", "NaN", "Infinity", "-Infinity", "0x1", "01", "1.", "'a'")),
    *map(_deep, (4, 20, 30, 34, 1000, 100_000)),
    *("", "a", "a" * 65, "ä" * 64, "a" * 5000, "\ud800", "\udc80x", "a\0b", "\n", "../..", "-x", "[/]", "\x1b[31m"),
    *("mark:before", "10s", "2026-03-01T10:00:00Z", "all", "previous", "start", "(a+)+$", "(", "SIGTERM", "9"),
    *([], {}, [[]], [1], ["a"], {"a": 1}, {"name": "x"}, {"name": 1}, {"": ""}, list(range(500)), ["a\0"] * 20),
]
_SECONDS: list[object] = [0, 0.01, 0.05, -1, 1e9, "1", None, True, _Raw("NaN"), _Raw("1e999"), []]
_SCALARS: dict[object, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float), bool: (bool,)}
_IDS: list[object] = [
    *(0, 1, -7, 2**53 + 1, 2**63 - 1, 2**63, 10**400, 1.5, -0.0, "", "a", "\u20ac\U0001f600", "\ud800", "x" * 64),
    *("x" * 65, None, True, False, [], [1], {}, {"a": 1}, _Raw("1e999"), _Raw("NaN"), _Raw("1e5"), _Raw("9" * 5000)),
]


class Grammar:
    """Makes lines; ``victims`` are names that may be read from, ``lines`` good lines that may be mutated as bytes."""

    def __init__(self, directory: str, victims: Sequence[str], lines: Sequence[bytes]) -> None:
        self._directory = directory
        self._victims = [*victims]
        self._mutator = Mutator([line for line in lines if _is_harmless(line)], longest=1 << 20)

    def line(self, chance: random.Random) -> bytes:
        """One line, with its end."""
        kind = chance.randrange(20)
        if kind < 4:
            return self._mutator.mutated(chance).rstrip(b"\n") + b"\n"
        if kind == 4:
            count = chance.choice((0, 1, 2, 3, 16, 17, 200))
            text = "[" + ",".join(self._message(chance) for _ in range(count)) + "]"
        else:
            text = self._message(chance)
        if kind == 5:
            return _in_disguise(text, chance)
        data = text.encode("utf-8", "surrogatepass")
        if kind < 8 and _is_harmless(data):
            data = self._mutator.mutate(data, chance)
        return data + chance.choice((b"\n", b"\n", b"\n", b"\r\n", b"\n\n", b" \n"))

    def _message(self, chance: random.Random) -> str:
        method = chance.choice(_READING) if chance.randrange(3) else chance.choice([*METHODS])
        pairs: list[tuple[str, object]] = [("jsonrpc", "2.0"), ("method", method)]
        if method in _POISON or chance.randrange(8):
            pairs.append(("params", self._params(method, chance)))
        if chance.randrange(5):
            pairs.append(("id", chance.choice(_IDS) if chance.randrange(2) else chance.randrange(1000)))
        for _ in range(chance.choice((0, 0, 0, 1))):
            self._spoil(pairs, chance)
        chance.shuffle(pairs)
        return _object(pairs)

    def _spoil(self, pairs: list[tuple[str, object]], chance: random.Random) -> None:
        name, _ = chance.choice(pairs)
        if name == "params" or (name == "method" and chance.randrange(2)):
            return
        kind = chance.randrange(4)
        if kind == 0:
            pairs[:] = [pair for pair in pairs if pair[0] != name]
        elif kind == 1:
            pairs.append((name, chance.choice(_JUNK)))
        elif kind == 2:
            pairs.append((chance.choice(("extra", "ID", "", "\ud800", "result")), chance.choice(_JUNK)))
        else:
            pairs[:] = [(each, chance.choice(_JUNK) if each == name else value) for each, value in pairs]

    def _params(self, method: str, chance: random.Random) -> object:
        if method not in _POISON and chance.randrange(12) == 0:
            return chance.choice(_JUNK)
        pairs: list[tuple[str, object]] = []
        for name, field in fields(METHODS[method].params).items():
            if (field.required and chance.randrange(20)) or chance.randrange(8) == 0:
                pairs.append((name, self._value(method, name, field, chance)))
        if method == "wait_for_process":
            pairs = [pair for pair in pairs if pair[0] != "timeout_seconds"]
            pairs.append(("timeout_seconds", chance.choice(_SECONDS)))
        if chance.randrange(15) == 0:
            pairs.append((chance.choice(("proces", "", "__class__", "self", "\ud800")), chance.choice(_JUNK)))
        if method in _POISON:
            pairs = [pair for pair in pairs if pair[0] != _POISON[method][0]] + [_POISON[method]]
        return _Raw(_object(pairs))

    def _value(self, method: str, name: str, field: Field, chance: random.Random) -> object:
        if name.endswith("_seconds") and method in _READING:
            return chance.choice(_SECONDS)
        if name == "process" and chance.randrange(2):
            return chance.choice(self._victims) if method in _READING else "nobody"
        if name == "processes" and chance.randrange(2):
            return [chance.choice([*self._victims, "nobody", 1])]
        if name == "working_directory" and chance.randrange(2):
            return self._directory
        if name == "stream":
            return chance.choice(("stdout", "combined", "both"))
        if name == "client" and chance.randrange(2):
            return {"name": "fuzz", "pid": chance.choice((1, 99, 2**31, 0))}
        # Mostly of a type that is let through: what is refused at once reaches nothing.
        return chance.choice(_fitting(field) if chance.randrange(8) else _JUNK)


@functools.cache
def _fitting(field: Field) -> list[object]:
    wanted: list[object] = []
    for kind in members(field.type):
        if get_origin(kind) is Literal:
            wanted += get_args(kind)
        elif get_origin(kind) is list:
            wanted += [each for each in _JUNK if isinstance(each, list) and each]
        else:
            types = _SCALARS.get(kind, (dict,))
            wanted += [each for each in _JUNK if isinstance(each, types)]
    return wanted or _JUNK


def _is_harmless(line: bytes) -> bool:
    """Whether a changed byte cannot make it act, or wait for long."""
    words = (b"_seconds", b"start_", b"stop_", b"capture_", b"shutdown_", b"replace_", b"prune_", b"signal_", b"wait_")
    return not any(word in line for word in (*words, b"remove_", b"configure_", b"_input", b"protect_"))


def _in_disguise(text: str, chance: random.Random) -> bytes:
    codec = chance.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1", "utf-7", "cp500"))
    return text.encode(codec, "replace") + b"\n"


def _object(pairs: Sequence[tuple[str, object]]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{_written(value)}" for name, value in pairs) + "}"


def _written(value: object) -> str:
    if isinstance(value, _Raw):
        return value.text
    return (
        json.dumps(value, ensure_ascii=False) if isinstance(value, str) and value.isprintable() else json.dumps(value)
    )
