"""One process and one person: what is typed goes to the process, what it prints comes back."""

from __future__ import annotations

import abc
import contextlib
import os
import select
import signal
import sys
import time

from ..interrupts import Interrupted
from ..terminal import is_terminal
from ..viewer import Viewer
from .feed import Feed
from .typist import Typist

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import OutputReply, ProcessInfo

    from ..context import Context
    from ..interrupts import Interrupts
    from ..signals import Signals

    class HasFileno(Protocol):
        """What `select` takes."""

        def fileno(self) -> int: ...


__all__ = ["Attachment"]

_KEYBOARD = 0
_LAST_KEYS_SECONDS = 0.5


class Attachment(abc.ABC):
    """What a process with a terminal and one without have in common: a loop over keyboard, output, signals and time.

    Without ``listen`` our standard input is left alone.
    """

    def __init__(
        self, context: Context, client: Client, process: ProcessInfo, interrupts: Interrupts, *, listen: bool = True
    ) -> None:
        self.process = process
        self.interrupts = interrupts
        # One each: a call waits for a lost daemon, and signals are felt by the loop and not by these.
        self.feed = Feed(Viewer(context, client, contextlib.nullcontext()), process)
        self.typist = Typist(Viewer(context, client, contextlib.nullcontext()), process)
        self.keyboard = is_terminal(sys.stdin)
        self._hearing = listen and sys.stdin is not None
        self._ended: OutputReply | None = None
        self._leave_at: float | None = None

    @abc.abstractmethod
    def run(self) -> OutputReply | None:
        """Until the run has ended (its last reply), or somebody leaves it (None).

        Raises `Interrupted`, `HubStopped` and `ProcessNotFound`.
        """

    # --- what the two kinds do with it ------------------------------------------------------------------------------

    @abc.abstractmethod
    def show(self, reply: OutputReply) -> None:
        """Show what the process has printed."""

    @abc.abstractmethod
    def typed(self, data: bytes) -> None:
        """Something was typed."""

    @abc.abstractmethod
    def typing_ended(self) -> None:
        """The end of our standard input."""

    @abc.abstractmethod
    def begin_run(self, ended: OutputReply, process: ProcessInfo) -> None:
        """Another run has taken the place of the one that ended."""

    @abc.abstractmethod
    def signalled(self, numbers: set[int]) -> None:
        """Signals of `Signals` have arrived."""

    def turn(self) -> float | None:
        """Do what is due; returns when there is something to do again, on the monotonic clock."""
        self.typist.turn()
        return self.typist.next_turn

    def hears(self) -> bool:
        """True when something that is typed can be taken now."""
        return not self.typist.full

    # --- the loop ---------------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """End the loop when the process has got what was typed before."""
        self._hearing = False
        self.typist.settle()
        self._leave_at = time.monotonic() + _LAST_KEYS_SECONDS

    def loop(self, signals: Signals) -> OutputReply | None:
        """See `run`."""
        self.feed.calls.submit(self.feed.read, self._shown)
        while self._ended is None and not self._has_left():
            self._wait(signals, self.turn())
        return self._ended

    def _has_left(self) -> bool:
        return self._leave_at is not None and (self.typist.idle or time.monotonic() >= self._leave_at)

    def _wait(self, signals: Signals, due: float | None) -> None:
        files: list[HasFileno | int] = [signals, self.feed.calls, self.typist.calls]
        if self._hearing and self.hears():
            files.append(_KEYBOARD)
        due = min((at for at in (due, self._leave_at) if at is not None), default=None)
        timeout = None if due is None else max(0.0, due - time.monotonic())
        with self.interrupts:
            ready = select.select(files, [], [], timeout)[0]
        if signals in ready:
            self.signalled(signals.take())
        if _KEYBOARD in ready:
            self._hear()
        self.typist.calls.collect()
        self.feed.calls.collect()

    def _hear(self) -> None:
        try:
            data = os.read(_KEYBOARD, 65536)
        except BlockingIOError:
            return
        except OSError:  # EIO: the terminal has gone
            raise Interrupted(signal.SIGHUP) from None
        if data:
            self.typed(data)
        else:
            self._hearing = False
            self.typing_ended()

    def _shown(self, reply: OutputReply) -> None:
        self.show(reply)
        if reply["ended"] and not reply["more"]:
            self.feed.calls.submit(lambda: self.feed.next_run(reply), lambda process: self._follow(reply, process))
        else:
            self.feed.calls.submit(self.feed.read, self._shown)

    def _follow(self, ended: OutputReply, process: ProcessInfo | None) -> None:
        if process is None or process["tty"] != self.process["tty"]:
            self._ended = ended
            return
        self.process = process
        self.feed.switch(process)
        self.typist.switch(process)
        self.begin_run(ended, process)
        self.feed.calls.submit(self.feed.read, self._shown)
