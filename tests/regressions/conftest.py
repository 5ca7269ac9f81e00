"""What the stories share: the fixtures of the daemon's and of the keeper's tests."""

from tests.daemon.conftest import own, project
from tests.keeper.conftest import dormant, keeper

__all__ = ["dormant", "keeper", "own", "project"]
