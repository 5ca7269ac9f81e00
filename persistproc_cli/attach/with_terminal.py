"""Attached to a process that has a terminal: our terminal becomes its terminal."""

from __future__ import annotations

import signal
import time

from persistproc_core.client.wire import piece_bytes

from ..interrupts import Interrupted
from ..output import note
from ..signals import Signals, suspend
from ..words import because, ending
from .attachment import Attachment
from .feed import line_endings
from .modes import moves_about
from .screen import Screen, terminal_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import OutputReply, ProcessInfo

    from ..context import Context
    from ..interrupts import Interrupts
    from .feed import Past
    from .keys import DetachKey

__all__ = ["TerminalAttachment"]

_TWICE_SECONDS = 0.3
_WATCHED = (signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)


class TerminalAttachment(Attachment):
    """Raw both ways: every key but the detach key is for the process, and its bytes reach our terminal as they are.

    ``from_start`` shows a run that has just begun from its first byte. Otherwise the last screenful comes first, or,
    where the program fills the screen, nothing but what it draws when its size changes.
    """

    def __init__(
        self,
        context: Context,
        client: Client,
        process: ProcessInfo,
        interrupts: Interrupts,
        key: DetachKey,
        *,
        from_start: bool = False,
        listen: bool = True,
    ) -> None:
        super().__init__(context, client, process, interrupts, listen=listen)
        self._key = key
        self._from_start = from_start
        self._pressed = b""
        self._pressed_at = 0.0
        self._missed = 0

    def run(self) -> OutputReply | None:
        """See `Attachment.run`; the terminal is as before when this returns or raises."""
        past = None if self._from_start else self._look_back()
        try:
            with Signals(*_WATCHED) as signals, Screen() as self._screen:
                self._begin(past)
                return self.loop(signals)
        finally:
            if self._missed:
                note(f"{self._missed} bytes of output were deleted before they could be shown")

    def _look_back(self) -> Past:
        with self.interrupts:
            return self.feed.look_back(terminal_size()[0] - 1)

    def _begin(self, past: Past | None) -> None:
        if past is None:
            self._resize(redraw=False)
            return
        self._screen.adopt(past.modes)
        if not past.modes.full_screen:
            self._screen.show(b"".join(map(piece_bytes, line_endings(past.reply["lines"], "\r\n"))))
        self._resize(redraw=past.modes.full_screen or moves_about(past.recent))

    def _resize(self, *, redraw: bool) -> None:
        self.typist.resize(*terminal_size(), redraw=redraw)

    # --- output -----------------------------------------------------------------------------------------------------

    def show(self, reply: OutputReply) -> None:
        """Pass the bytes on as they are."""
        try:
            self._screen.show(b"".join(map(piece_bytes, reply["lines"])))
        except BrokenPipeError:
            raise
        except OSError:  # EIO: the terminal has gone
            raise Interrupted(signal.SIGHUP) from None
        self.typist.drawn()
        if reply["missed_bytes"]:
            self._missed += reply["missed_bytes"]
            self._resize(redraw=True)

    def begin_run(self, ended: OutputReply, process: ProcessInfo) -> None:
        """Say so, and give the new run a fresh terminal."""
        self._screen.take_back()
        note(f"{ended['name']} {ending(ended)}{because(ended)}; this is run {process['run']} (pid {process['pid']})")
        self._screen.forget()
        self._screen.lend()
        self._resize(redraw=False)

    # --- keys -------------------------------------------------------------------------------------------------------

    def hears(self) -> bool:
        """A process that reads nothing must not keep us from seeing the detach key; what it has no room for is lost."""
        return not self.typist.full or (self.keyboard and self.typist.stuck)

    def typed(self, data: bytes) -> None:
        """Send it, but for the detach key."""
        rest = data
        while rest:
            parts = self._key.split(rest) if self.keyboard else None
            before, pressed, rest = parts or (rest, b"", b"")
            if self._pressed and (before or not pressed):
                self._pressed = b""
                self.leave()
                return
            if self._pressed:
                self._send(self._pressed)
                self._pressed = b""
                continue
            self._send(before)
            if pressed:
                self._pressed, self._pressed_at = pressed, time.monotonic()

    def _send(self, data: bytes) -> None:
        if not self.typist.full:
            self.typist.type(data)
        elif data:
            self._screen.ring()

    def typing_ended(self) -> None:
        """The terminal has gone; the end of a pipe only ends the typing."""
        if self.keyboard:
            raise Interrupted(signal.SIGHUP)

    # --- signals and time -------------------------------------------------------------------------------------------

    def signalled(self, numbers: set[int]) -> None:
        """The size has changed, somebody suspends us, or lets us go on."""
        if signal.SIGTSTP in numbers:
            self._screen.take_back()
            suspend()
        if signal.SIGTSTP in numbers or signal.SIGCONT in numbers:
            self._screen.lend()
            self._resize(redraw=self._screen.drawn)
        elif signal.SIGWINCH in numbers:
            self._resize(redraw=False)

    def turn(self) -> float | None:
        """The detach key that was pressed only once."""
        due = super().turn()
        if not self._pressed:
            return due
        twice_until = self._pressed_at + _TWICE_SECONDS
        if time.monotonic() >= twice_until:
            self._pressed = b""
            self.leave()
            return due
        return twice_until if due is None else min(due, twice_until)
