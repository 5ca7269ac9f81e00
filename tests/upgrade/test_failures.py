"""The new daemon does not come to serve, for whatever reason: the old one goes on as if nothing had been."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.kit import WireError, program
from tests.upgrade.conftest import log_bytes

FAKE = str(Path(__file__).with_name("fake_successor.py"))


def fake(how: str) -> dict[str, Any]:
    return {"program": [sys.executable, FAKE, how]}


def python(code: str) -> dict[str, Any]:
    return {"program": [sys.executable, "-c", code]}


FAILURES = [
    pytest.param({"program": ["/nonexistent/python"]}, "/nonexistent/python cannot be started", id="exec"),
    pytest.param({"program": ["/"]}, "/ cannot be started", id="folder"),
    pytest.param({"environment": {"A=B": "1"}}, "cannot be started", id="environment"),
    pytest.param(python("import no_such_module"), "ModuleNotFoundError: No module named", id="import"),
    pytest.param(python("x ="), "SyntaxError", id="syntax"),
    pytest.param(python("import sys; sys.exit(7)"), "exited with code 7", id="exit"),
    pytest.param(python("import os; os.kill(os.getpid(), 9)"), "ended by SIGKILL", id="killed"),
    pytest.param(python("print('x' * 10_000_000); raise SystemExit(1)"), "exited with code 1", id="much output"),
    pytest.param(fake("exit"), "exited with code 3: about to fail", id="exit after loading"),
    pytest.param(fake("killed"), "ended by SIGKILL", id="killed after loading"),
    pytest.param(fake("nonsense"), "makes no sense", id="nonsense after loading"),
    pytest.param(fake("liar"), "'finished' instead of 'ready'", id="another word after loading"),
    pytest.param(fake("closed"), "it is gone", id="hangs up after loading"),
]


def own_error(own: Hub, **params: Any) -> WireError:
    """Why the daemon was not replaced."""
    with own.daemon.connect(60) as connection:
        return WireError(connection.error("replace_daemon", params))


def assert_goes_on(own: Hub, pid: int) -> None:
    """As if nothing had been."""
    with own.daemon.connect() as connection:
        assert connection.hello["pid"] == own.daemon.pid
    own.forget_connections()
    assert Path(own.daemon.home.lock).read_text(encoding="ascii") == f"{own.daemon.pid}\n"
    assert (own.status("w")["pid"], own.state("w")) == (pid, "running")
    assert own.finish("echo hello", name="later")["state"] == "exited"
    assert own.lines("later") == ["hello"]


@pytest.mark.parametrize("kind", ["before", "after"])
def test_the_old_one_goes_on(own: Hub, kind: str) -> None:
    # One daemon for many failures: starting it takes longer than failing.
    chosen = [each for each in FAILURES if ("after" in str(each.id)) == (kind == "after")]
    own.start(program("steady_writer", 1), name="w", environment={"SECRET": "s"})
    pid = own.status("w")["pid"]
    watcher = own.daemon.connect(20)
    watcher.call("watch_processes", types=["started"])
    for number, failure in enumerate(chosen):
        params: Any
        said: Any
        params, said = failure.values
        error = own_error(own, **params)
        assert error.code == "replace_failed", (failure.id, error)
        assert said in error.error["message"], failure.id
        assert "Traceback" not in error.error["message"]
        assert "goes on" in error.error["data"]["hint"]
        own.forget_connections()
        assert own.status("w")["pid"] == pid
        assert own.finish(["echo", str(number)], name=f"p{number}")["state"] == "exited"
    assert_goes_on(own, pid)
    assert own.stop("w")["state"] == "stopped"
    out = log_bytes(own, "w", "stdout").splitlines()
    assert out[:-1] == [b"out %d" % number for number in range(len(out) - 1)]
    assert out[-1] == b"out end %d" % (len(out) - 1)
    assert own.call("restart_process", "w")["environment_from"] == "run"
    if kind == "before":
        # A new one that never had a say costs no connection.
        started = [watcher.read()["params"]["event"]["name"] for _ in range(len(chosen) + 2)]
        assert started == [*(f"p{number}" for number in range(len(chosen))), "later", "w"]
    else:
        # Closed when the first new one got as far as to take over; who subscribes goes on over another connection.
        assert watcher.ended()
    watcher.close()
