"""Names, arguments, directories and variables of any characters: one run, told and executed as it was asked for."""

from __future__ import annotations

import json
import os
import random
import unicodedata
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from persistproc_core.client import piece_bytes
from tests.fuzz.live import LiveDaemon
from tests.fuzz.target import LiveTarget
from tests.kit import Daemon

__all__ = ["Starts"]

_SAYS = 'printf "%s\\0" "$@" "$FUZZ"; pwd -P'
_PIECES = (
    *(
        "a",
        "web",
        "api-2",
        "-",
        "--",
        "-n",
        ".",
        "..",
        "../",
        "/",
        "//",
        "~",
        "*",
        "?",
        "[/]",
        "[bold]",
        "{a,b}",
        "$HOME",
    ),
    *(
        "`id`",
        "$(id)",
        "%s",
        "%n",
        "\\",
        "\\n",
        "'",
        '"',
        ";",
        "&",
        "|",
        ">",
        "<",
        "#",
        "!",
        " ",
        "\t",
        "\n",
        "\r",
        "\x1b[31m",
    ),
    *(
        "\x07",
        "\x7f",
        "\x9b",
        "\u202e",
        "\u2066",
        "\u200b",
        "\ufeff",
        "\u0301",
        "e\u0301",
        "é",
        "ß",
        "İ",
        "漢字",
        "हिन्दी",
        "👩\u200d🚀",
    ),
    *(
        "\udc80",
        "\udcff",
        "\ud800",
        "\0",
        "=",
        ":",
        "@",
        "+",
        "x" * 63,
        "x" * 64,
        "x" * 255,
        "ä" * 127,
        "9",
        "4711",
        "١",
    ),
    *("stdin", "record.json", "spawned", "con", "nul", "__proto__", "constructor", "null", "true", "-1", "1e9"),
)


class Starts(LiveTarget):
    """One case is one start, as JSON. The child prints what it got."""

    name = "starts"
    cases = 20_000
    most_seconds = 20.0
    shrink_seconds = 0.0

    def __init__(self, daemon: Daemon | None = None) -> None:
        """``daemon``: one that runs already, without processes."""
        self._given = daemon

    def _begin(self, stack: ExitStack) -> None:
        self._live = LiveDaemon(stack, self._given)
        self._folder = Path(self._live.directory).resolve()
        self._home = self._live.daemon.home
        self._connection = stack.enter_context(self._live.daemon.connect(20))
        self._executed = 0

    def seeds(self) -> list[bytes]:
        plain = {"name": "web", "words": ["a", "b c"], "directory": "d", "variables": {"FUZZ": "1"}}
        return [json.dumps(plain).encode()]

    def make(self, chance: random.Random) -> bytes:
        case = {
            "name": _text(chance) if chance.randrange(3) else None,
            "words": [_text(chance) for _ in range(chance.randrange(5))],
            "directory": _text(chance) if chance.randrange(2) else "d",
            "variables": {"FUZZ": _text(chance)} if chance.randrange(2) else {_text(chance): _text(chance)},
        }
        return json.dumps(case).encode()

    def check(self, case: bytes) -> int:
        asked = json.loads(case)
        directory = self._made(asked["directory"])
        params = {"name": asked["name"]} if asked["name"] is not None else {}
        params["command"] = command = ["/bin/sh", "-c", _SAYS, "sh", *asked["words"]]
        params["environment"] = asked["variables"]
        reply = self._connection.request("start_process", {**params, "working_directory": directory})
        if "error" in reply:
            assert reply["error"]["data"]["error"] in ("invalid_params", "start_failed"), reply
            assert self._listed() == [], "it was refused, and is there"
            assert not _is_plain(asked), f"it was refused for nothing: {reply}"
            return 1
        at = {"process": reply["result"]["name"], "working_directory": directory}
        try:
            self._check(asked, at, command)
        finally:
            self._connection.call("wait_for_process", **at, exit=True, timeout_seconds=10)
            self._connection.call("remove_process", **at)
        return 1

    def _check(self, asked: dict[str, Any], at: dict[str, str], command: list[str]) -> None:
        name, directory = at["process"], at["working_directory"]
        ended = self._connection.call("wait_for_process", **at, exit=True, timeout_seconds=10)
        assert ended["exit_code"] == 0, ended["reason"]
        assert ended["argv"] == command, ended["argv"]
        assert ended["working_directory"] == os.path.realpath(directory)
        assert self._listed() == [name]
        if asked["name"] is not None:
            assert name == unicodedata.normalize("NFC", asked["name"])
        run = os.path.join(self._home.runs, ended["run_id"])
        assert os.path.dirname(run) == self._home.runs
        for log in self._connection.call("get_process_log_paths", **at)["streams"]:
            assert all(os.path.dirname(os.path.realpath(path)) == os.path.realpath(run) for path in log["paths"]), log
        reply = self._connection.call("get_process_output", **at, cursor="start", format="raw", max_bytes=200_000)
        printed = b"".join(piece_bytes(piece) for piece in reply["lines"])
        words = [*command[4:], asked["variables"].get("FUZZ", "")]
        expected = (
            b"".join(os.fsencode(word) + b"\0" for word in words) + os.fsencode(os.path.realpath(directory)) + b"\n"
        )
        assert printed == expected, (printed[:1000], expected[:1000])
        self._executed += 1

    def _made(self, text: str) -> str:
        """A directory of that name; where the system has none of the sort, the name as it is."""
        path = os.path.join(self._folder, text.lstrip("/") or "d")
        if os.path.commonpath([self._folder, os.path.normpath(path)]) != str(self._folder):
            return str(self._folder)
        try:
            os.makedirs(path, exist_ok=True)
        except (OSError, ValueError):
            pass
        return path

    def _listed(self) -> list[str]:
        return [process["name"] for process in self._connection.call("list_processes")["processes"]]

    def facts(self) -> list[str]:
        assert self._listed() == []
        assert os.listdir(self._home.runs) == []
        self._live.check()
        return [f"executed {self._executed}"]


def _text(chance: random.Random) -> str:
    return "".join(chance.choice(_PIECES) for _ in range(chance.choice((1, 1, 1, 2, 3, 6))))


def _is_plain(asked: dict[str, Any]) -> bool:
    """Whether nobody could refuse it."""
    variables, words = asked["variables"], asked["words"]
    texts = [*words, asked["directory"], *variables, *variables.values()]
    plain = all(text.isascii() and text.isalnum() and len(text) < 60 for text in texts)
    return plain and asked["name"] in (None, "a", "web", "con", "nul", "null", "true", "stdin", "constructor")
