"""`start --replace` with a command that is not there ended the running server first. And when it did not, the process
had the new command by then: it was found under a command that never ran, and not under the one that did."""

from __future__ import annotations

from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.kit import is_alive

RUNNING = ["sleep", "1000"]
MISSING = ["there-is-no-such-program"]
CANNOT_START: list[dict[str, Any]] = [
    {"command": MISSING, "replace": True},
    {"command": RUNNING, "fresh": True, "resource_limits": {"bogus": [1, 1]}},
]


@pytest.mark.parametrize("params", CANNOT_START, ids=["no such program", "no such limit"])
def test_the_running_server_is_left_alone(own: Hub, params: dict[str, Any]) -> None:
    info = own.start(RUNNING, name="w")
    assert own.error("start_process", name="w", **params).code in ("start_failed", "invalid_params")
    assert is_alive(info["pid"])
    found = own.list()["w"]
    for key in ("pid", "run_id", "state", "command", "argv"):
        assert found[key] == info[key], key
    assert own.status("sleep 1000")["pid"] == info["pid"]
    assert own.error("get_process_status", MISSING[0]).code == "process_not_found"
    assert own.call("restart_process", "w")["argv"] == RUNNING
