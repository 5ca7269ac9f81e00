"""What the readiness of a run is told by, in texts: the URL in a line, the error in an output, what can be done."""

from __future__ import annotations

import socket

import pytest

from persistproc_core.daemon.model import Run
from persistproc_core.daemon.readiness.errors import error_lines
from persistproc_core.daemon.readiness.hints import hint_for_end, hint_for_port
from persistproc_core.daemon.readiness.rules import Rule, rule_of
from persistproc_core.daemon.settings import Settings
from persistproc_core.daemon.words.command import Command
from persistproc_core.daemon.words.printed_urls import printed_url
from persistproc_core.protocol import PortWish

HOST = socket.gethostname()


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ("  ➜  Local:   http://localhost:5173/", "http://localhost:5173/"),
        ("INFO:     Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)", "http://127.0.0.1:8000"),
        (" * Running on http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("Starting development server at http://127.0.0.1:8000/", "http://127.0.0.1:8000/"),
        ("   - Local:        http://localhost:3000", "http://localhost:3000"),
        ("Serving HTTP on 0.0.0.0 port 8000 (http://0.0.0.0:8000/) ...", "http://localhost:8000/"),
        ("Listening on http://[::1]:4000/docs.", "http://[::1]:4000/docs"),
        ("Listening on http://[::]:4000", "http://localhost:4000"),
        ("open https://shop.localhost:8443/a?b=c#d, please", "https://shop.localhost:8443/a?b=c#d"),
        (f"at http://{HOST}:9000/lab?token=1", f"http://{HOST}:9000/lab?token=1"),
        ("  Network: http://192.168.1.5:3000  Local: http://localhost:3000", "http://localhost:3000"),
        ("Proxying /api to http://localhost:3000", None),
        ("waiting for http://localhost:8000/health", None),
        ("connect ECONNREFUSED, GET http://localhost:8000/", None),
        ("see https://vitejs.dev/config/", None),
        ("http://localhost/ has no port, so it may be anything", None),
        ("http://localhost:99999/", None),
        ("http://localhost:0/", None),
        ("http://[broken:3000/", None),
        ("nothing here", None),
    ],
)
def test_the_url_that_a_line_announces(line: str, url: str | None) -> None:
    assert printed_url(line) == url


def test_a_long_line_of_beginnings_is_looked_through_at_once() -> None:
    assert printed_url("http://" * 10_000) is None


NODE = """\
ready to start
node:events:497
      throw er; // Unhandled 'error' event
      ^

Error: listen EADDRINUSE: address already in use :::3000
    at Server.setupListenHandle [as _listen2] (node:net:1908:16)
    at listenInCluster (node:net:1965:12)
    at Server.listen (node:net:2067:7)
    at Object.<anonymous> (/srv/index.js:3:4)
    at Module._compile (node:internal/modules/cjs/loader:1554:14)
  code: 'EADDRINUSE',
  port: 3000
}

Node.js v22.14.0
npm error code ELIFECYCLE
npm error errno 1"""

CHAINED = """\
compiling
Traceback (most recent call last):
  File "a.py", line 1, in <module>
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
    connect()
RuntimeError: no database
bye"""


def test_the_error_of_node() -> None:
    found = error_lines(NODE.splitlines())
    assert found[0] == "      throw er; // Unhandled 'error' event"
    assert "Error: listen EADDRINUSE: address already in use :::3000" in found
    assert not [line for line in found if "npm" in line or "cjs/loader" in line]


def test_the_last_traceback_of_python() -> None:
    assert error_lines(CHAINED.splitlines())[0] == "Traceback (most recent call last):"
    assert error_lines(CHAINED.splitlines())[-1] == "RuntimeError: no database"


def test_a_deep_traceback_keeps_its_head_and_its_end() -> None:
    frames = [f'  File "a.py", line {number}, in f' for number in range(900)]
    found = error_lines(["Traceback (most recent call last):", *frames, "RecursionError: deep"])
    assert (len(found), found[0], found[-1]) == (12, "Traceback (most recent call last):", "RecursionError: deep")


def test_the_last_of_two_errors() -> None:
    lines = ["Error: old", *[f"line {number}" for number in range(40)], "fatal: new", "  because"]
    assert error_lines(lines) == ["fatal: new", "  because"]


def test_without_an_error_its_end() -> None:
    lines = [f"test {number} passed, 0 errors" for number in range(30)]
    assert error_lines(lines) == lines[-10:]
    assert error_lines([]) == []


def ended(reason: str, signal: str | None = None) -> Run:
    command = Command(("x",), False, "x")
    run = Run("p.1.00000000", 1, "/", command, "/", Settings(), "", {"name": "test"}, "", reason=reason)
    run.signal = signal
    return run


@pytest.mark.parametrize(
    ("reason", "lines", "hint"),
    [
        ("exited with code 1", ["ModuleNotFoundError: No module named 'flask'"], "install the Python module flask"),
        ("exited with code 1", ["Error: Cannot find module 'express'"], "express is not there"),
        ("exited with code 127", ["sh: 1: vite: not found"], "vite is not found on its PATH"),
        ("exited with code 127", ["bash: line 1: vite: command not found"], "vite is not found on its PATH"),
        ("exited with code 1", ["Error: connect ECONNREFUSED 127.0.0.1:5432"], "nobody listens on 127.0.0.1:5432"),
        ("exited with code 1", ["who knows"], "mend what its last lines say"),
    ],
    ids=["python", "node", "dash", "bash", "refused", "unknown"],
)
def test_what_can_be_done(reason: str, lines: list[str], hint: str) -> None:
    assert hint_for_end(ended(reason), lines).startswith(hint)


def test_who_has_the_port_is_told_once() -> None:
    held, what = "port 3000 is held by shop/web (pid 7)", "use that one, stop it, or give this one another port"
    assert hint_for_port(held, "not ready") == f"{held}: {what}"
    assert hint_for_port(held, f"exited with code 1; {held}") == what
    assert hint_for_port("port 3000 was in use, and is free now", "") == "port 3000 was in use, and is free now"
    assert hint_for_port("", "") == ""


def test_one_that_was_killed() -> None:
    assert "memory" in hint_for_end(ended("ended by SIGKILL", "SIGKILL"), ["permission denied"])


def test_the_rule_of_ports() -> None:
    """The first port that it is to listen on; a debugger's is only allowed."""
    ports: tuple[PortWish, ...] = ({"name": "debug", "optional": True}, {"name": "web"})
    settings = Settings(ports=ports, assigned_ports=(("debug", 9229), ("web", 3000)))
    assert rule_of(settings) == Rule("port", "", 3000)
    assert rule_of(settings._replace(ready={"port": "debug"})) == Rule("port", "", 9229)
    assert rule_of(settings._replace(ready={"port": "4000"})) == Rule("port", "", 4000)
    assert rule_of(settings._replace(ports=ports[:1])) is None


def test_what_must_go_on_to_answer_must_answer_first() -> None:
    rule = rule_of(Settings(liveness={"url": "http://localhost:1/", "interval_seconds": 30, "failures": 5}))
    assert rule is not None
    assert (rule.kind, rule.interval_seconds, rule.timeout_seconds) == ("url", 0.5, 60)
