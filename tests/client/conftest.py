"""What the tests of both clients share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import anyio
import pytest

from persistproc_core.client import AsyncClient, Client
from persistproc_core.errors import PersistprocError
from persistproc_core.paths import Home
from tests.kit import Daemon
from tests.kit.daemon import environment


@pytest.fixture(autouse=True)
def importable(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon is started in another directory; from a source tree that is not installed it would not be found."""
    if path := environment(home).get("PYTHONPATH"):
        monkeypatch.setenv("PYTHONPATH", path)


@pytest.fixture
def fresh_home(home: Home, new_daemon: Callable[..., Daemon]) -> Iterator[Home]:
    """A home in which a client may start the daemon; it is shut down after the test."""
    yield home
    daemon = new_daemon(home)
    with contextlib.suppress(OSError), daemon.connect() as connection:
        daemon.pid = connection.hello["pid"]


Call = tuple[str, Mapping[str, object]]


class Session(Protocol):
    """Opens one client, makes the calls one after the other, and returns each result or error."""

    def __call__(self, home: Home, *calls: Call, **options: Any) -> list[Any]: ...


def blocking_session(home: Home, *calls: Call, **options: Any) -> list[Any]:
    outcomes: list[Any] = []
    client = Client(home=home.path, **options)
    try:
        outcomes.append(client.connect())
        for call in calls:
            try:
                outcomes.append(client.call(*call))
            except PersistprocError as error:
                outcomes.append(error)
    except PersistprocError as error:
        outcomes.append(error)
    finally:
        client.close()
    return outcomes


async def async_session(home: Home, calls: tuple[Call, ...], options: dict[str, Any]) -> list[Any]:
    outcomes: list[Any] = []
    client = AsyncClient(home=home.path, **options)
    try:
        outcomes.append(await client.connect())
        for call in calls:
            try:
                outcomes.append(await client.call(*call))
            except PersistprocError as error:
                outcomes.append(error)
    except PersistprocError as error:
        outcomes.append(error)
    finally:
        await client.aclose()
    return outcomes


@pytest.fixture(params=["blocking", "trio", "asyncio"])
def session(request: pytest.FixtureRequest) -> Session:
    """The first outcome is that of connecting: the hello, or the error that ended the session."""
    kind: str = request.param
    if kind == "blocking":
        return blocking_session

    def run(home: Home, *calls: Call, **options: Any) -> list[Any]:
        return anyio.run(async_session, home, calls, options, backend=kind)

    return run
