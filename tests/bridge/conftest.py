"""Fixtures of the bridge's tests: one bridge for each worker, and more for those that end theirs."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

import pytest

from persistproc_core.paths import Home
from tests.kit import Guard
from tests.kit.alone import hub_variables
from tests.kit.bridge import Bridge
from tests.kit.guard import TEST_VARIABLE

_SHARED = pytest.StashKey[Bridge]()


@pytest.fixture(scope="session")
def bridge(request: pytest.FixtureRequest) -> Iterator[Bridge]:
    """A running bridge with its daemon, for all tests of a worker that leave it as it was.

    It need not be empty: look for your own processes by a directory of yours (``tmp_path``), and stop them.
    """
    guard = Guard()
    shared = Bridge(guard, guard.new_home(), {TEST_VARIABLE: guard.token})
    request.session.stash[_SHARED] = shared
    try:
        with pytest.MonkeyPatch.context() as patch:
            for variable in hub_variables():
                patch.delenv(variable)
            shared.start()
        yield shared
        shared.tear_down()
        assert guard.leaks() == []
    finally:
        guard.clean_up()


@pytest.fixture
def new_bridge(guard: Guard) -> Iterator[Callable[..., Bridge]]:
    """Makes bridges that are not started yet; each is ended after the test, with its daemon."""
    bridges: list[Bridge] = []

    def make(home: Home | None = None, **variables: str) -> Bridge:
        bridges.append(Bridge(guard, home or guard.new_home(), variables))
        return bridges[-1]

    yield make
    for one in bridges:
        one.tear_down()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    shared = item.session.stash.get(_SHARED, None)
    if report.failed and shared is not None:
        report.sections.append(("log of the shared bridge", shared.log()[-8000:]))
    return report
