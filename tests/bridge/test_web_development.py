"""The example with three at work: every block of it is run, and what the page shows is compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.bridge.scenario_agent import END
from tests.kit import free_port
from tests.kit.bridge import Bridge
from tests.meta.sources import ROOT

PAGE = (ROOT / "docs" / "examples" / "web-development.md").read_text("utf-8")
BLOCK = re.compile(r"^<!-- scenario -->\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"^(you|claude-code|cursor) (?:([$>]) (.*)|see)$")

NPM = '#!/bin/sh\ncase "$2" in\ndev) exec python3 -u web.py ;;\napi) exec python3 -u api.py ;;\nesac\n'
SERVER = (
    "import http.server, time\n"
    'server = http.server.ThreadingHTTPServer(("127.0.0.1", {port}), http.server.SimpleHTTPRequestHandler)\n'
    # Real ones listen a while before they say so, which an answer has to wait for.
    "time.sleep(0.1)\n"
    "print({text!r}, flush=True)\n"
    "server.serve_forever()\n"
)
VITE = "\n  VITE v8.3.4  ready in 312 ms\n\n  ➜  Local:   http://localhost:{port}/"
API = "api listening on http://localhost:{port}"


def steps() -> list[tuple[str, str, str, str]]:
    """Who, how (``$`` a shell, ``>`` a tool, nothing: looks), what, and what the page says comes of it."""
    found: list[tuple[str, str, str, str]] = []
    for block in BLOCK.findall(PAGE):
        for line in block.splitlines():
            if prompt := PROMPT.match(line):
                found.append((prompt[1], prompt[2] or "", prompt[3] or "", ""))
            else:
                who, how, what, shown = found[-1]
                found[-1] = (who, how, what, f"{shown}{line}\n")
    return found


def likeness(text: str, project: Path) -> str:
    """The text without what is another one each time: numbers, and how far they push a column."""
    text = text.replace(str(project), "~/shop").replace("just now", "0 s ago")
    return re.sub(r"[ \t]+", " ", re.sub(r"\d+(\.\d+)?", "N", text)).strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / ".git").mkdir()
    for name, text in (("web", VITE), ("api", API)):
        port = free_port()
        (folder / f"{name}.py").write_text(SERVER.format(port=port, text=text.format(port=port)), "utf-8")
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(NPM, "utf-8")
    npm.chmod(0o755)
    return folder


class Cast:
    """The three, each a process of its own."""

    def __init__(self, bridge: Bridge, project: Path, stack: ExitStack) -> None:
        self._bridge = bridge
        self._project = project
        self._stack = stack
        self._agents: dict[str, subprocess.Popen[str]] = {}
        self._terminal: subprocess.Popen[str] | None = None

    def begin(self, *command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=self._project,
            env={**self._bridge.environment(), "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self._stack.callback(self._end, process)
        return process

    @staticmethod
    def _end(process: subprocess.Popen[str]) -> None:
        process.kill()
        process.communicate()

    def ask(self, name: str, call: str) -> str:
        """What an agent is answered."""
        if name not in self._agents:
            self._agents[name] = self.begin("tests.bridge.scenario_agent", str(self._bridge.port), name)
        agent = self._agents[name]
        assert agent.stdin is not None
        assert agent.stdout is not None
        agent.stdin.write(f"{call}\n")
        agent.stdin.flush()
        return "".join(iter(agent.stdout.readline, f"{END}\n"))

    def type(self, line: str, shown: str) -> str:
        """What a command prints; one that goes on showing is read as far as the page shows."""
        command = ["persistproc_cli", *line.split()[1:]]
        if " npm " in line:
            self._terminal = self.begin(*command)
            return self.look(shown)
        return self.begin(*command).communicate(timeout=30)[0]

    def look(self, shown: str) -> str:
        """As many lines of the terminal as the page shows."""
        assert self._terminal is not None
        assert self._terminal.stdout is not None
        wanted = len(shown.rstrip("\n").splitlines())
        return "".join(self._terminal.stdout.readline() for _ in range(wanted))

    def shell(self, line: str) -> str:
        """An agent edits a file."""
        subprocess.run(line, shell=True, cwd=self._project, check=True, timeout=10)
        return ""


@pytest.fixture
def cast(new_bridge: Callable[..., Bridge], project: Path) -> Iterator[Cast]:
    bridge = new_bridge(PATH=f"{project.parent / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}")
    bridge.start()
    with ExitStack() as stack:
        yield Cast(bridge, project, stack)
        bridge.forget_processes()


def test_the_example_is_true(cast: Cast, project: Path) -> None:
    plot = steps()
    assert len(plot) > 10
    for who, how, what, shown in plot:
        if how == ">":
            said = cast.ask(who, what)
        elif how == "$" and what.startswith("persistproc"):
            said = cast.type(what, shown)
        else:
            said = cast.shell(what) if how else cast.look(shown)
        assert likeness(said, project) == likeness(shown, project), f"{who} {how} {what}"
