"""Fixtures of the tests with programs of others: what npm brought, and a bridge for them to call."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.node import MODULES
from tests.bridge.conftest import bridge, new_bridge

__all__ = ["anyio_backend", "bridge", "new_bridge", "node_modules"]

_HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is in this folder has the marker `agents`; `make test` leaves it out, because it needs npm."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker("agents")


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Where the packages of package.json are."""
    if not (MODULES / ".bin" / "node").exists():
        pytest.fail("the packages are not there; run make agents", pytrace=False)
    return MODULES


@pytest.fixture
def anyio_backend() -> str:
    """The official clients are asyncio's."""
    return "asyncio"
