"""Which service manager this machine has."""

from __future__ import annotations

import sys

from ..agents.program import find_program
from .launchd import Launchd
from .manager import BY_HAND, NoServiceManager
from .systemd import Systemd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .manager import Manager

__all__ = ["found_manager", "manager_of_this_machine"]


def found_manager(platform: str = sys.platform) -> Manager | None:
    """The service manager of this machine; None when it has none that we know."""
    if platform == "darwin":
        return Launchd()
    return Systemd() if platform == "linux" and find_program("systemctl") else None


def manager_of_this_machine() -> Manager:
    """The same. Raises `NoServiceManager`."""
    found = found_manager()
    if found is None:
        raise NoServiceManager(
            "this machine has neither systemd nor launchd, the service managers that persistproc knows",
            hint=BY_HAND,
        )
    return found
