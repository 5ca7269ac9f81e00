"""Parsers of text: what goes to a terminal, what is taken apart as a command, JSON as the command reads it, times."""

from __future__ import annotations

import json
import random
import re
import zlib

from persistproc_cli.oneline import one_line
from persistproc_cli.sanitize import Sanitizer, sanitize
from persistproc_core.client import lightjson
from persistproc_core.daemon.logs.text import plain_text
from persistproc_core.daemon.words.command import parse_command
from persistproc_core.daemon.words.default_names import default_name
from persistproc_core.daemon.words.names import check_name, made_valid
from persistproc_core.errors import InvalidParams
from tests.fuzz.target import Target

__all__ = ["CommandLines", "LightJson", "Sanitized"]

_COLOUR = re.compile("\x1b\\[[0-9;:]*m")
_ACTS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HIDES = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")


class Sanitized(Target):
    """Whatever a child prints: nothing but text, tab, newline and colour is left of it, however it is cut."""

    name = "sanitize"
    cases = 1_000_000

    def seeds(self) -> list[bytes]:
        texts = (
            "\x1b[1;31mred\x1b[0m\n",
            "a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\b",
            "a\x1b]52;c;cm0gLXJm\x07b\x1bPq#0\x1b\\c",
            "a\x9b2Jb\x9d0;t\x9cc\x1b[?1049h\x1b(0",
            "user\u202egnp.exe \u2066x\u2069 \t e\u0301 \U0001f469\u200d\U0001f680\r\n",
            "[/] [bold] [link=x]",
        )
        return [text.encode() for text in texts]

    def check(self, case: bytes) -> int:
        text = case.decode("utf-8", "surrogateescape")
        safe = sanitize(text)
        assert not _ACTS.search(_COLOUR.sub("", safe)), repr(safe)
        assert sanitize(safe) == safe, "twice is not as once"
        assert len(safe) <= len(text), "it became longer"
        assert _in_pieces(text, case) == safe, "another cut gives another text"
        shown, _ = plain_text(case.replace(b"\n", b""))
        assert not _ACTS.search(shown), repr(shown)
        line = one_line(text)
        assert not _HIDES.search(line), repr(line)
        assert one_line(line) == line
        return 1


def _in_pieces(text: str, case: bytes) -> str:
    chance = random.Random(zlib.crc32(case))
    ends = sorted(chance.randrange(len(text) + 1) for _ in range(4))
    sanitizer = Sanitizer()
    pieces = [text[begin:end] for begin, end in zip([0, *ends], [*ends, len(text)], strict=True)]
    return "".join(map(sanitizer.feed, pieces)) + sanitizer.close()


class CommandLines(Target):
    """A command as text: words and a valid name, or a typed refusal; what is split stays split."""

    name = "command"
    cases = 300_000

    def seeds(self) -> list[bytes]:
        texts = (
            "npm run dev -- --port 3000",
            "PORT=1 python3 -m http.server 'a b' \"c $d\"",
            "cd x && ./go | tee log; echo $HOME > y",
            "docker compose up --build web",
            "/usr/bin/env node --inspect ./server.js {1..3} ~ #c",
            "uv run --with x uvicorn app:main --reload",
            "sh -c 'exec sleep 1' \\\n next",
        )
        return [text.encode() for text in texts]

    def check(self, case: bytes) -> int:
        text = case.decode("utf-8", "surrogateescape")
        for given in (text, text.split(" ")):
            try:
                command = parse_command(given)
            except InvalidParams:
                continue
            assert command.argv
            assert all("\0" not in word for word in command.argv), command
            assert not command.shell or command.argv[:2] == ("/bin/sh", "-c")
            check_name(default_name(command))
        check_name(made_valid(text))
        return 1


class LightJson(Target):
    """JSON without the module ``json``: the same values, and an error for the same texts."""

    name = "json"
    cases = 300_000

    def seeds(self) -> list[bytes]:
        values: list[object] = [{"a": [1, -0.5, 1e300, "x\u2028\ud800", None, True]}, [], {}, "", 0, [[[[]]]]]
        return [json.dumps(value).encode() for value in values]

    def check(self, case: bytes) -> int:
        try:
            value = lightjson.loads(case)
        except ValueError:
            try:
                json.loads(case.decode("utf-8"), parse_constant=_refuse)
            except (ValueError, RecursionError):
                return 1
            raise
        expected = json.loads(case.decode("utf-8"), parse_constant=_refuse)
        assert repr(value) == repr(expected)
        if "inf" not in repr(value):
            assert lightjson.dumps(value) == json.dumps(value, separators=(",", ":"))
        return 1


def _refuse(name: str) -> object:
    raise ValueError(name)
