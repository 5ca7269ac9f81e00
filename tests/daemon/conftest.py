"""One daemon for all tests of a worker, a project of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.daemon.hub import Hub
from tests.kit import Daemon, Guard
from tests.kit.guard import TEST_VARIABLE

_SHARED = pytest.StashKey[Daemon]()


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A daemon that no test may leave ended. What is left of it when all are through is a failure."""
    guard = Guard()
    daemon = Daemon(guard, guard.new_home(), {TEST_VARIABLE: guard.token})
    request.session.stash[_SHARED] = daemon
    try:
        daemon.start()
        yield daemon
        daemon.shut_down()
        assert guard.leaks() == []
    finally:
        guard.clean_up()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's directory."""
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


@pytest.fixture
def hub(shared: Daemon, project: Path) -> Iterator[Hub]:
    """The project on the daemon that the tests share."""
    hub = Hub(shared, project)
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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    shared = item.session.stash.get(_SHARED, None)
    if report.failed and shared is not None:
        report.sections.append(("log of the shared daemon", shared.log()[-8000:]))
    return report
