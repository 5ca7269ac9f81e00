"""A world whose daemon and keeper can be killed at any line."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from persistproc_core.paths import Home
from tests.crash.figures import Figures
from tests.crash.lines.control import OFF, Control
from tests.crash.world import World
from tests.kit import is_alive, wait_gone

__all__ = ["CONTROL_VARIABLE", "PYTHON", "TREE", "TracedWorld", "control_path"]

PYTHON = sys.executable
"""The real interpreter; on a stage `sys.executable` is a warm one."""

TREE = str(Path(__file__).resolve().parent.parent.parent.parent)
"""Where ``tests`` lies."""

CONTROL_VARIABLE = "PP_CRASH_CONTROL"
"""The path of the shared page, for daemons and keepers."""


def control_path(home: Home) -> str:
    """Where the page is."""
    return os.path.join(home.path, "control")


class TracedWorld(World):
    """``PP_CRASH_CONTROL`` must name the page before the first daemon is started."""

    def __init__(self, home: Home, figures: Figures, bystanders: int) -> None:
        self.control = Control(control_path(home))
        self._log_at = 0
        super().__init__(home, figures, bystanders)

    def wake(self) -> None:
        """Have the daemon, if one lives, traced from now on."""
        try:
            with open(self.home.lock, encoding="ascii") as file:
                pid = int(file.read())
            if is_alive(pid):
                self.control.wake(pid)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            pass

    def turn_log_page(self) -> None:
        """From now on `log_page` begins here."""
        self._log_at = os.path.getsize(self.home.log)

    def log_page(self) -> str:
        """What daemons have logged since."""
        with open(self.home.log, "rb") as file:
            file.seek(self._log_at)
            return file.read().decode("utf-8", "replace")

    def struck(self, within: float) -> bool:
        """Whether somebody came to the line and is gone; nobody will die of it any more."""
        struck = self.until(lambda: self.control.page[0] == OFF, within)
        self.control.off()
        if struck:
            wait_gone(self.control.struck)
        return struck
