"""Fixtures of all tests, and the rules that no test can opt out of: nothing is left behind, and CI skips nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from persistproc_core.paths import HOME_VARIABLE, Home
from tests.kit import Daemon, Guard
from tests.kit.alone import hub_variables
from tests.kit.guard import TEST_VARIABLE

_TESTS = Path(__file__).resolve().parent
_GUARD = pytest.StashKey[Guard]()
_SHARED = pytest.StashKey[Daemon]()

# No deadlines: the machine may be busy. TESTS_FULL=1 looks longer.
settings.register_profile("ci", max_examples=25, deadline=None)
settings.register_profile("full", max_examples=500, deadline=None)
settings.load_profile("full" if os.environ.get("TESTS_FULL") == "1" else "ci")


@pytest.fixture(autouse=True)
def guard(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guard]:
    """Fails a test that leaves a process, a zombie or a socket; whatever it left is ended by force first."""
    guard = Guard()
    request.node.stash[_GUARD] = guard
    # The variables of the shell that runs the tests must not lead a test to the tester's own daemon.
    for variable in hub_variables():
        monkeypatch.delenv(variable)
    monkeypatch.setenv(TEST_VARIABLE, guard.token)
    yield guard
    leaks, logs = guard.leaks(), guard.logs()
    guard.clean_up()
    if leaks:
        told = "\n".join(["the test left behind:", *leaks])
        pytest.fail(told + "".join(f"\n--- {title}\n{text}" for title, text in logs), pytrace=False)


@pytest.fixture
def home(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A private, empty home with a short path; ``PERSISTPROC_HOME`` points to it."""
    home = guard.new_home()
    monkeypatch.setenv(HOME_VARIABLE, home.path)
    return home


@pytest.fixture
def new_daemon(guard: Guard) -> Iterator[Callable[..., Daemon]]:
    """Makes daemons that are not started yet; each is shut down after the test."""
    daemons: list[Daemon] = []

    def make(home: Home | None = None, **variables: str) -> Daemon:
        daemons.append(Daemon(guard, home or guard.new_home(), variables))
        return daemons[-1]

    yield make
    for daemon in daemons:
        daemon.tear_down()


@pytest.fixture
def daemon(home: Home, new_daemon: Callable[..., Daemon]) -> Daemon:
    """A running daemon; it is shut down with all its processes after the test."""
    daemon = new_daemon(home)
    daemon.start()
    return daemon


@pytest.fixture(scope="session")
def shared_daemon(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """One running daemon for all tests of a worker that leave it as it was: it has no processes, and none may stay."""
    guard = Guard()
    daemon = Daemon(guard, guard.new_home(), {TEST_VARIABLE: guard.token})
    request.session.stash[_SHARED] = daemon
    try:
        with pytest.MonkeyPatch.context() as patch:
            for variable in hub_variables():
                patch.delenv(variable)
            daemon.start()
        yield daemon
        daemon.tear_down()
        assert guard.leaks() == []
    finally:
        guard.clean_up()


@pytest.fixture(params=["trio", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Every async test runs on both backends."""
    return str(request.param)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is in tests/realworld has that marker; `make test` leaves it out, because it needs the registries.

    Its files named test_short_* need none, and stay.
    """
    for item in items:
        if "realworld" in item.path.relative_to(_TESTS).parts and not item.path.name.startswith("test_short_"):
            item.add_marker("realworld")


def _strict() -> bool:
    return os.environ.get("CI") == "true"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and _strict() and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and in CI a skipped test is a failed one: {report.longrepr}"
    guard = item.stash.get(_GUARD, None)
    if report.failed and guard is not None and call.when == "call":
        report.sections += guard.logs()
    shared = item.session.stash.get(_SHARED, None)
    if report.failed and shared is not None:
        report.sections.append(("log of the shared daemon", shared.log()[-8000:]))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and _strict():
        report.outcome = "failed"
        report.longrepr = f"skipped, and in CI a skipped test is a failed one: {report.longrepr}"
    return report
