"""In a daemon that was born in an ASCII locale (cron, a container), a text with an é could not be sent to the keeper.
The caller got an internal error, and the process was listed as starting for ever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from persistproc_core.paths import Home
from tests.daemon.hub import Hub
from tests.kit import Daemon

ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def hub(home: Home, new_daemon: Callable[..., Daemon], tmp_path: Path) -> Hub:
    """A daemon in the C locale, and a project that is called é."""
    daemon = new_daemon(home, **ASCII)
    daemon.start()
    (tmp_path / "été").mkdir()
    return Hub(daemon, tmp_path / "été")


def test_a_value_a_directory_an_argument_and_a_name(hub: Hub) -> None:
    command = ["sh", "-c", 'echo "$VALUE" "$1"; pwd; exec sleep 1000', "sh", "naïve"]
    info = hub.start(command, name="café", environment={"VALUE": "é"})
    hub.await_line("café", "été$")
    assert hub.lines("café") == ["é naïve", str(hub.project.resolve())]
    assert hub.start(command, name="café", environment={"VALUE": "é"})["already_running"] is True
    assert hub.stop("café")["stopped_pids"] == [info["pid"]]
    hub.forget_connections()


@pytest.mark.parametrize("command", [["echo", "\ud800"], ["\ud800"]], ids=["an argument", "a program"])
def test_half_a_character_leaves_no_ghost(hub: Hub, command: list[str]) -> None:
    """JSON can tell of one, the system cannot."""
    for _ in range(2):
        assert hub.error("start_process", command=command, name="g").code in ("invalid_params", "start_failed")
        assert hub.list() == {}
    assert hub.start(["sleep", "1000"], name="g")["run"] >= 1
    hub.forget_connections()
