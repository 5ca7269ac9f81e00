"""A day with two agents, word for word: the answers in the reference are these.

``EXAMPLES_WRITE=1`` writes what the tools say now into examples.json; read the difference before you keep it.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

import pytest

from persistproc_mcp.callers import Caller
from tests.bridge.tools.conftest import CLAUDE, CURSOR, Agents
from tests.daemon.project.team import Team
from tests.kit import free_port

pytestmark = pytest.mark.anyio

FILE = Path(__file__).with_name("examples.json")

DEV = """\
#!{python} -IS
import socket, sys
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    server.bind(("127.0.0.1", {port}))
except OSError:
    sys.exit("Error: listen EADDRINUSE: address already in use 127.0.0.1:{port}")
server.listen()
sys.stdout.write("DEV v1.0 ready in 312 ms\\n  Local: http://localhost:{port}/\\n")
sys.stdout.flush()
for line in sys.stdin:
    sys.stderr.write("TypeError: Cannot read properties of undefined (reading 'map')\\n" * 3 + "  at Cart.tsx:14:9\\n")
    sys.stderr.flush()
"""
SETUP = """\
#!{python} -IS
print("Creating the database.")
answer = input("Overwrite the old one? [y/N] ")
print("Done." if answer == "y" else "Left as it is.")
"""

SERVE = """\
#!{python} -IS
import os, socket
server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
server.accept()
"""
PROJECT = """\
[processes.db]
command = "./serve"
port = "auto"

[processes.api]
command = "./serve"
port = "auto"
needs = ["db"]

[processes.seed]
command = "true"
optional = true
"""

STEPS: list[tuple[Caller, str, dict[str, object]]] = [
    (CURSOR, "list_processes", {}),
    (CLAUDE, "start_process", {"command": "./dev", "name": "web"}),
    (CURSOR, "start_process", {"command": "./dev"}),
    (CURSOR, "start_process", {"command": "./dev --again", "name": "web2"}),
    (CLAUDE, "start_process", {"command": "./setup", "protected": True}),
    (CLAUDE, "list_processes", {}),
    (CLAUDE, "send_process_input", {"process": "web", "input": "r"}),
    (CLAUDE, "get_process_output", {"process": "web"}),
    (CLAUDE, "get_process_output", {"process": "web", "cursor": "1:58:0"}),
    (CLAUDE, "wait_for_process", {"process": "web", "output": "compiled", "timeout_seconds": 0.2}),
    (CURSOR, "restart_process", {"process": "web", "reason": "dependency update"}),
    (CURSOR, "stop_process", {"process": "setup"}),
    (CLAUDE, "get_process_status", {"process": "web"}),
    (CLAUDE, "send_process_input", {"process": "setup", "input": "y"}),
    (CLAUDE, "wait_for_process", {"process": "setup", "port": 5432}),
    (CLAUDE, "stop_process", {"process": "web"}),
    (CLAUDE, "get_process_output", {"process": "wbe", "tail": 20}),
    (CLAUDE, "get_process_output", {"process": "wbe"}),
    (CLAUDE, "get_project", {}),
    (CLAUDE, "start_project", {}),
    (CLAUDE, "start_project", {"names": ["api"]}),
    (CURSOR, "start_project", {}),
    (CURSOR, "stop_project", {"reason": "lunch"}),
]


@pytest.mark.usefixtures("utc_clock")
async def test_the_answers_of_a_day(agents: Agents) -> None:
    port = _port_of_five_digits()
    directory = Path(agents.directory or "")
    (directory / "persistproc.toml").write_text(PROJECT, "utf-8")
    for name, text in (("dev", DEV), ("setup", SETUP), ("serve", SERVE)):
        (directory / name).write_text(text.format(python=sys.executable, port=port), "utf-8")
        (directory / name).chmod(0o755)
    found = []
    for caller, tool, arguments in STEPS:
        answer = await agents.call(tool, caller, **arguments)
        if tool == "start_project" and answer.failed:
            _say_yes(agents)
        text = _steady(answer.text, agents, port)
        found.append(
            {"client": caller.name, "tool": tool, "arguments": arguments, "failed": answer.failed, "answer": text}
        )
    if os.environ.get("EXAMPLES_WRITE") == "1":
        FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for said, kept in zip(found, json.loads(FILE.read_text("utf-8")), strict=True):
        assert said == kept


@pytest.fixture
def utc_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else of the environment shows in an answer."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def _say_yes(agents: Agents) -> None:
    """What a person does who looks at the file and says yes: ``persistproc up seed``."""
    person = {"name": "persistproc-cli", "directory": agents.directory}
    Team(agents.project).up("seed", client=person)


def _port_of_five_digits() -> int:
    while True:
        port = free_port()
        if port >= 10000:
            return port


def _steady(text: str, agents: Agents, port: int) -> str:
    """The text without what is another each time."""
    text = re.sub(rf"\b{port}\b", "45173", text)
    leased = dict.fromkeys(re.findall(r"(?: |localhost):((?!45173)[23]\d{4})\b", text))
    for place, number in enumerate(leased):
        text = text.replace(f":{number}", f":2801{place}")
    home = agents.hub.home.path
    for pattern, instead in (
        (re.escape(home), "/home/ana/.persistproc"),
        (re.escape(agents.directory or ""), "/home/ana/shop"),
        (r"\b(pid:?) \d+", r"\1 48213"),
        (r"\b(web|setup)\.(\d)\.[0-9a-f]{8}\b", r"\1.\2.5d0c1f2e"),
        # The second may change between any two lines.
        (r"(?m)^\d\d:\d\d:\d\d ", " " * 9),
        (r">\n {9}(?=\S)", ">\n12:30:00 "),
        (r"\b(\d+ s ago|just now)", "just now"),
        (r"\brunning \d+ s\b", "running 2 s"),
        (r"\bwaiting for input \d+ s\b", "waiting for input 2 s"),
        (r"\bafter \d+\.\d s\b", "after 0.5 s"),
        (r"\b\d+ MiB, \d+ %", "12 MiB, 1 %"),
        (r"(?m)^environment \(names\): .*$", "environment (names): HOME, LANG, PATH"),
    ):
        text = re.sub(pattern, instead, text)
    return text
