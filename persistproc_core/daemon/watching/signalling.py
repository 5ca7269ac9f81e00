"""Sends a process the signal that it wants instead of a restart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ...signal_names import signal_number
from ..events.journal import Journal
from ..log import Log
from ..model import Process, Run
from ..restarting.starter import PERSISTPROC

__all__ = ["Signalling"]


class Signalling:
    """Signals runs."""

    def __init__(self, log: Log, journal: Journal, send: Callable[[Run, int], Awaitable[object]]) -> None:
        """``send(run, number)`` signals the group of a run."""
        self._log = log
        self._journal = journal
        self._send = send

    async def send(self, process: Process, run: Run, name: str, words: str) -> None:
        """Send it, and tell so: ``SIGHUP sent: src/app.py changed``."""
        self._log.info("watch.signalled", run=run.run_id, signal=name, reason=words)
        await self._send(run, signal_number(name))
        run.reason = f"{name} sent: {words}"
        self._journal.tell("configured", process, run, by=PERSISTPROC, reason=run.reason)
