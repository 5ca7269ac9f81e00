"""What a child inherits, and that no value of a variable is ever told, logged or written."""

from __future__ import annotations

import json
import os
import resource
import secrets
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.kit import Daemon, RawConnection, program


def reported(hub: Hub, **params: Any) -> dict[str, Any]:
    """What a child found."""
    hub.finish(program("report_environment"), name="r", **params)
    found: dict[str, Any] = json.loads(hub.log_path("r").read_bytes())
    return found


def variables(hub: Hub, **params: Any) -> dict[str, str]:
    found: dict[str, str] = reported(hub, **params)["variables"]
    return found


WHOLE = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


def test_the_callers_environment_and_nothing_else(hub: Hub) -> None:
    found = variables(hub, inherit_environment=False, environment={**WHOLE, "ONLY": "mine"})
    assert found["ONLY"] == "mine"
    added = {"PERSISTPROC_RUN", "PYTHONUNBUFFERED", "FORCE_COLOR", "CLICOLOR_FORCE"}
    assert set(found) - added == {*WHOLE, "ONLY"}


def test_the_hubs_environment_and_what_is_given(hub: Hub) -> None:
    found = variables(hub, environment={"EXTRA": "1"})
    assert found["EXTRA"] == "1"
    assert found["PATH"] == os.environ["PATH"]
    assert "PERSISTPROC_HOME" not in found


def test_the_marker_is_the_run(hub: Hub) -> None:
    found = variables(hub)
    assert found["PERSISTPROC_RUN"] == hub.status("r")["run_id"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"PYTHONUNBUFFERED": "1", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}),
        ({"PYTHONUNBUFFERED": ""}, {"PYTHONUNBUFFERED": "", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}),
        ({"NO_COLOR": "1"}, {"PYTHONUNBUFFERED": "1"}),
        ({"FORCE_COLOR": "0"}, {"PYTHONUNBUFFERED": "1", "FORCE_COLOR": "0"}),
        ({"TERM": "dumb"}, {"PYTHONUNBUFFERED": "1"}),
    ],
)
def test_what_is_added_where_the_caller_says_nothing(hub: Hub, given: dict[str, str], expected: dict[str, str]) -> None:
    found = variables(hub, inherit_environment=False, environment={**WHOLE, **given})
    names = ("PYTHONUNBUFFERED", "FORCE_COLOR", "CLICOLOR_FORCE")
    assert {name: found[name] for name in names if name in found} == expected


def test_the_working_directory_variable_follows_the_directory(hub: Hub) -> None:
    found = variables(hub, inherit_environment=False, environment={**WHOLE, "PWD": "/elsewhere"})
    assert found["PWD"] == str(hub.project)


def test_umask_limits_and_ignored_signals_are_the_callers(hub: Hub) -> None:
    found = reported(
        hub, umask=0o027, resource_limits={"nofile": [111, 222], "core": [0, 0]}, ignored_signals=["SIGHUP", "INT"]
    )
    assert found["umask"] == 0o027
    assert found["limits"]["nofile"] == [111, 222]
    assert found["limits"]["core"] == [0, 0]
    assert found["ignored"] & 0b11 == 0b11


def test_without_a_word_the_hubs_own_umask_and_limits(hub: Hub) -> None:
    """Not 077, which the daemon has for its own files, and not the descriptors that it takes for itself."""
    found = reported(hub)
    mask = os.umask(0)
    os.umask(mask)
    assert found["umask"] == mask
    assert found["limits"]["nofile"] == list(resource.getrlimit(resource.RLIMIT_NOFILE))


def test_a_child_has_no_descriptor_of_the_daemons(hub: Hub) -> None:
    assert set(reported(hub)["descriptors"]) == {"0", "1", "2"}


def test_the_names_are_told(hub: Hub) -> None:
    hub.start(program("sleeper"), name="s", inherit_environment=False, environment={**WHOLE, "TOKEN": "x"})
    status = hub.status("s")
    assert {"TOKEN", "PATH"} <= set(status["environment_names"])
    assert status["differences"] == []
    given = hub.call("get_process_status", "s", environment={**WHOLE, "TOKEN": "y"})
    assert given["differences"] == [{"what": "environment", "added": [], "removed": [], "changed": ["TOKEN"]}]


class Recorder:
    """Keeps every reply, byte for byte."""

    def __init__(self, connection: RawConnection) -> None:
        self._connection = connection
        self.said: list[bytes] = []

    def __call__(self, method: str, **params: object) -> None:
        self._connection.send({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        self.said.append(self._connection.read_bytes())


def test_a_secret_is_nowhere(own: Hub, daemon: Daemon) -> None:
    """Whatever is done with a process: no reply, no file of the home, no log holds the value."""
    secret = secrets.token_hex(16)
    ask = Recorder(own.connection)
    directory = str(own.project)
    with_secret = {"TOKEN": secret, "PATH": os.environ["PATH"]}
    start = {"command": program("sleeper"), "working_directory": directory, "environment": with_secret, "name": "s"}
    ask("start_process", **start)
    ask("start_process", **{**start, "environment": {"TOKEN": "another"}})
    ask("start_process", **{**start, "command": ["no-such-program"], "name": "t"})
    ask("start_process", **{**start, "command": ["true"]})
    ask("start_process", **{**start, "environment": {"BAD\0": secret}, "name": "u"})
    ask("start_process", **{**start, "environment": {"TOKEN": secret, "": secret}, "name": "u"})
    ask("start_process", **{**start, "environment": secret, "name": "u"})
    ask("restart_process", process="s", working_directory=directory)
    ask("get_process_status", process="s", working_directory=directory, environment={"TOKEN": secret + "x"})
    ask("list_processes", all_projects=True)
    ask("get_process_output", process="s", working_directory=directory)
    ask("restart_process", process="s", working_directory=directory, environment={"TOKEN": secret}, signal="NONE")
    ask("stop_process", process="s", working_directory=directory)
    ask("get_daemon_status")
    assert secret.encode() not in b"\n".join(ask.said)
    own.forget_connections()
    daemon.kill()
    daemon.start()
    own.status("s")
    own.forget_connections()
    daemon.kill()  # a file that it is just replacing would be gone when it is read
    for path in Path(daemon.home.path).rglob("*"):
        assert secret not in str(path)
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
