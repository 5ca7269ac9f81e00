"""Nothing is written where somebody has put a link, or a folder that is not ours, in the place of the home."""

from __future__ import annotations

import errno

from ...errors import UnsafeHome
from ...paths import Home

__all__ = ["HomeGuard"]


class HomeGuard:
    """Asked by everything that writes into the home, before it writes. Its methods block for microseconds."""

    def __init__(self, home: Home | None) -> None:
        """``None``: there is nothing to guard, as in a tool that reads a folder of runs."""
        self._home = home

    def check(self) -> None:
        """Raise `OSError` when the home is not ours (any more). One that is missing passes: who writes finds out."""
        try:
            if self._home is not None:
                self._home.check()
        except UnsafeHome as error:
            raise PermissionError(errno.EPERM, error.message) from None

    def make_again(self) -> None:
        """Make the folders of the home again. Raises `OSError` when that cannot be, or the home is not ours."""
        try:
            if self._home is not None:
                self._home.ensure()
        except UnsafeHome as error:
            raise PermissionError(errno.EPERM, error.message) from None
