"""A team's project on the shared daemon, or on one of its own."""

from __future__ import annotations

import pytest

from tests.daemon.hub import Hub
from tests.daemon.project.team import Team


@pytest.fixture
def team(hub: Hub) -> Team:
    """On the daemon that the tests share."""
    return Team(hub)


@pytest.fixture
def own_team(own: Hub) -> Team:
    """On a daemon that the test may kill."""
    return Team(own)
