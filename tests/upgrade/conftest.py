"""A project on a daemon that is replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from persistproc_core.paths import Home
from tests.daemon.conftest import hub, own, project
from tests.daemon.hub import Hub
from tests.kit.daemon import environment
from tests.upgrade.copies import Copy

__all__ = ["hub", "own", "project"]

Replace = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch, home: Home) -> None:
    """From a source tree that is not installed the new daemon would not be found."""
    if path := environment(home).get("PYTHONPATH"):
        monkeypatch.setenv("PYTHONPATH", path)


@pytest.fixture
def replace(own: Hub) -> Iterator[Replace]:
    """Replaces the daemon, by one of the copy that is given or by the same code."""

    def do(copy: Copy | None = None, **params: Any) -> dict[str, Any]:
        if copy is not None:
            params.update(program=copy.program, environment=copy.environment)
        with own.daemon.connect(60) as connection:
            reply: dict[str, Any] = connection.call("replace_daemon", **params)
        assert reply["previous_pid"] == own.daemon.pid
        own.daemon.pid = reply["pid"]
        own.forget_connections()
        return reply

    yield do
    with own.daemon.connect() as connection:
        assert connection.hello["pid"] == own.daemon.pid


def log_bytes(own: Hub, name: str, stream: str, run: str = "*") -> bytes:
    """What is in the log of a stream of the (only) run of that name."""
    (folder,) = Path(own.daemon.home.runs).glob(f"{name}.{run}.*")
    return b"".join(path.read_bytes() for path in sorted(folder.glob(f"{stream}-*.log")))


def assert_whole(data: bytes, word: bytes) -> None:
    """That it is all that ``steady_writer`` writes to a stream until it is stopped."""
    lines = data.splitlines()
    assert lines == [
        *(b"%s %d" % (word, number) for number in range(len(lines) - 1)),
        b"%s end %d" % (word, len(lines) - 1),
    ]
