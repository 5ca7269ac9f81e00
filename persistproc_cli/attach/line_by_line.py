"""Attached to a process without a terminal: lines go in, and what it prints comes out as ``logs -f`` shows it."""

from __future__ import annotations

import signal
import sys

from ..interrupts import Interrupted
from ..output import note
from ..signals import Signals
from ..stream import Sinks
from ..terminal import is_terminal
from ..words import because, ending
from .attachment import Attachment
from .feed import line_endings
from .screen import terminal_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import OutputReply, ProcessInfo

__all__ = ["LineAttachment"]


class LineAttachment(Attachment):
    """Our terminal stays as it is, with echo and line editing; the signals of its keys leave, and touch nothing.

    At the end of a pipe on standard input the typing ends and the output goes on; on a terminal (Ctrl-D) we leave.
    """

    def run(self) -> OutputReply | None:
        """See `Attachment.run`."""
        with self.interrupts:
            past = self.feed.look_back(terminal_size()[0] - 1)
        self._sinks = Sinks(merged=True)
        try:
            self._sinks.show({**past.reply, "lines": line_endings(past.reply["lines"], "\n")})
            with Signals() as signals:
                ended = self.loop(signals)
            self._sinks.close()
            return ended
        except Interrupted as interrupted:
            # The terminal echoes Ctrl-C and Ctrl-\; the note that follows is no part of that line.
            if interrupted.number in (signal.SIGINT, signal.SIGQUIT) and is_terminal(sys.stderr):
                self._sinks.after_interrupt()
            raise
        finally:
            self._sinks.end_line()

    def show(self, reply: OutputReply) -> None:
        """Text and colour, nothing that acts on the terminal."""
        self._sinks.show(reply)

    def typed(self, data: bytes) -> None:
        """Send it as it is, with its newline."""
        self.typist.type(data)

    def typing_ended(self) -> None:
        """Ctrl-D on a terminal leaves."""
        if self.keyboard:
            self.leave()

    def signalled(self, numbers: set[int]) -> None:
        """Nothing: none are watched."""

    def begin_run(self, ended: OutputReply, process: ProcessInfo) -> None:
        """Say so."""
        self._sinks.end_line()
        note(f"{ended['name']} {ending(ended)}{because(ended)}; this is run {process['run']} (pid {process['pid']})")
