"""A project of its own for each test, on the shared daemon or on one of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from persistproc_core.paths import Home
from tests.daemon.hub import Hub
from tests.kit import Daemon, Guard

_FEW = 64


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's directory."""
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


@pytest.fixture
def hub(shared_daemon: Daemon, project: Path) -> Iterator[Hub]:
    """The project on the daemon that the tests share."""
    hub = Hub(shared_daemon, project)
    yield hub
    hub.clean_up()


@pytest.fixture
def own(daemon: Daemon, project: Path) -> Iterator[Hub]:
    """The project on a daemon that the test may kill."""
    hub = Hub(daemon, project)
    yield hub
    hub.forget_connections()


@pytest.fixture
def restarted(hub: Hub) -> Callable[[], Hub]:
    """Kills the shared daemon and starts the next one."""

    def restart() -> Hub:
        hub.forget_connections()
        hub.daemon.kill()
        hub.daemon.start()
        return hub

    return restart


class Poor(Daemon):
    """A daemon that may have few descriptors."""

    def command(self, ready_fd: int) -> list[str]:
        return ["sh", "-c", f'ulimit -n {_FEW}; exec "$@"', "sh", *super().command(ready_fd)]


@pytest.fixture
def poor(guard: Guard, home: Home, project: Path) -> Iterator[Hub]:
    """The project on it."""
    daemon = Poor(guard, home)
    daemon.start()
    hub = Hub(daemon, project)
    yield hub
    hub.forget_connections()
    daemon.tear_down()
