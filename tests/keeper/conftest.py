"""The keeper of a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from persistproc_core.paths import Home
from tests.keeper.rig import Keeper
from tests.kit import Guard


@pytest.fixture
def dormant(guard: Guard, home: Home) -> Iterator[Keeper]:
    """A home for a keeper that the test itself launches."""
    keeper = Keeper(guard, home)
    yield keeper
    keeper.tear_down()


@pytest.fixture
def keeper(dormant: Keeper) -> Keeper:
    """A keeper that has been greeted."""
    dormant.launch()
    return dormant
