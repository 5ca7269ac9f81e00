"""A program had written over its environment, as one does that sets its title. A new daemon read the garbage from the
kernel, took it for what the process had been given, and restarted the process with it."""

from __future__ import annotations

import os
import sys

import pytest

from tests.daemon.hub import Hub
from tests.kit import program


@pytest.mark.skipif(sys.platform != "linux", reason="only there can a program be made to do it by hand")
def test_a_restart_does_not_take_the_garbage(own: Hub) -> None:
    command = program("overwrite_environment")
    own.ready(command, name="p", environment={"GIVEN": "first"})
    own.forget_connections()
    own.daemon.kill()
    own.daemon.start()
    assert own.status("p")["environment_names"] in (None, [])
    given = {"GIVEN": "second", "PATH": os.environ["PATH"]}
    assert own.call("restart_process", "p", environment=given)["environment_from"] == "caller"
    own.await_line("p", "^ready")
    assert own.lines("p") == ["GIVEN second True", "ready"]
