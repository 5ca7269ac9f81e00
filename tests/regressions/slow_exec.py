"""A child that is held still between fork and exec, for as long as a test needs."""

from __future__ import annotations

import os
import signal
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from tests.daemon.hub import Hub
from tests.kit import eventually

__all__ = ["NOT_THERE", "HeldChild"]

NOT_THERE = "there-is-no-such-program"
# So many folders are searched before the one that may have it that the child is still at it when its pid is known, also
# on a busy machine: a third of a second. Each try copies the variable: twice as many take four times as long.
_SLOW_PATH = ":x" * 15_000


class HeldChild:
    """Starts a command whose child is stopped while it searches its PATH."""

    def __init__(self, hub: Hub, command: list[str], name: str) -> None:
        self.reply: Future[Any] = hub.aside(
            "start_process",
            command=command,
            name=name,
            environment={"PATH": _SLOW_PATH + ":/usr/bin:/bin"},
            inherit_environment=False,
        )
        runs = Path(hub.daemon.home.runs)
        notes: list[Path] = []

        def noted() -> bool:
            notes[:] = [path for path in runs.glob(f"{name}.*/spawned") if path.read_bytes().endswith(b"\n")]
            return bool(notes)

        eventually(noted, what="the keeper has noted the child's pid")
        self.pid = int(notes[0].read_bytes().split()[0])
        os.kill(self.pid, signal.SIGSTOP)
        assert not self.reply.done(), "the child was too quick to be held"

    def go_on(self) -> None:
        """Let it come to its exec."""
        os.kill(self.pid, signal.SIGCONT)
