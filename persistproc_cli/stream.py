"""One run's output, from the daemon to our own standard streams."""

from __future__ import annotations

import codecs
import sys
import time

from persistproc_core.client.wire import piece_bytes

from .output import note, print_document
from .sanitize import Sanitizer
from .terminal import colours, is_terminal, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from persistproc_core.protocol import OutputLine, OutputReply

__all__ = ["Sink", "Sinks"]

_TELL_SECONDS = 5.0


class Sink:
    """One of our streams, and what may pass to it: the exact bytes without a sanitizer, else safe text."""

    def __init__(self, stream: TextIO, descriptor: int, sanitizer: Sanitizer | None) -> None:
        self._descriptor = descriptor
        self.coloured = False
        self._encoding = stream.encoding or "utf-8"
        self._sanitizer = sanitizer
        # Cut characters wait for their other half; what is no UTF-8 is shown as \\xNN.
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def write(self, data: bytes) -> None:
        """Show a piece. Raises BrokenPipeError when nobody reads any more."""
        if self._sanitizer is not None:
            text = self._sanitizer.feed(self._decoder.decode(data))
            if "\x1b" in text:
                # Only colour is left of the sequences; the last one tells whether it is still on.
                self.coloured = not text[text.rindex("\x1b") :].startswith(("\x1b[0m", "\x1b[m"))
            data = self._encode(text)
        write_all(self._descriptor, data)

    def close(self) -> None:
        """Show what was still waiting for its other half: the run has ended."""
        if self._sanitizer is not None:
            text = self._sanitizer.feed(self._decoder.decode(b"", final=True)) + self._sanitizer.close()
            write_all(self._descriptor, self._encode(text))

    def end_colour(self) -> None:
        """Turn off a colour that the program left on, before something else is written there."""
        if self.coloured:
            write_all(self._descriptor, b"\x1b[0m")
            self.coloured = False

    def _encode(self, text: str) -> bytes:
        return text.encode(self._encoding, "backslashreplace")


class Sinks:
    """Where the two streams of a run go.

    ``merged`` sends both to standard output, as readable text: a program that reads a log gets no colour either.
    Otherwise each goes to ours, and what is no terminal gets the exact bytes; so it does with ``raw``.
    """

    def __init__(self, *, merged: bool = False, raw: bool = False, as_json: bool = False) -> None:
        sys.stdout.flush()
        self._json = as_json
        self._at_line_start = True
        self._missed = 0
        self._tell_again = 0.0
        errors = (sys.stdout, 1) if merged else (sys.stderr, 2)
        self._sinks = {
            "stdout": Sink(sys.stdout, 1, _sanitizer(sys.stdout, merged, raw)),
            "stderr": Sink(*errors, _sanitizer(errors[0], merged, raw)),
        }

    def begin_within_line(self) -> None:
        """Somebody else has shown the beginning of a line, and what comes is its end."""
        self._at_line_start = False

    @property
    def within_line(self) -> bool:
        """True when the last line has no end yet."""
        return not self._at_line_start

    def show(self, reply: OutputReply) -> None:
        """Write a reply, each piece to its stream; or the reply as one line of JSON."""
        if self._json:
            print_document(reply)
            return
        self._missed += reply["missed_bytes"]
        if self._missed and time.monotonic() >= self._tell_again:
            self._tell_missed()
        for stream, data in _joined(reply["lines"]):
            # A colour that one stream leaves on would run on into the other.
            self._sinks["stderr" if stream == "stdout" else "stdout"].end_colour()
            self._sinks[stream].write(data)
            self._at_line_start = data.endswith(b"\n")

    def close(self) -> None:
        """The run has ended."""
        if self._missed:
            self._tell_missed()
        for sink in self._sinks.values():
            sink.close()

    def _tell_missed(self) -> None:
        # Whoever reads slower than a program writes misses something with each reply; once in a while says it as well.
        self.end_line()
        note(f"{self._missed} bytes of older output are no longer kept")
        self._missed, self._tell_again = 0, time.monotonic() + _TELL_SECONDS

    def end_line(self) -> None:
        """On a terminal, go to a new line when the output stands in the middle of one: a note of ours follows."""
        for sink in self._sinks.values():
            sink.end_colour()
        if is_terminal(sys.stderr) and is_terminal(sys.stdout) and not self._at_line_start:
            write_all(2, b"\x1b[0m\n")
        self._at_line_start = True

    def after_interrupt(self) -> None:
        """Go to a new line of the terminal: it shows ``^C`` behind whatever stands there."""
        write_all(2, b"\n" if self._at_line_start else b"\x1b[0m\n")
        self._at_line_start = True


def _sanitizer(stream: TextIO, merged: bool, raw: bool) -> Sanitizer | None:
    if raw:
        return None
    return Sanitizer(colour=colours(stream)) if merged or is_terminal(stream) else None


def _joined(lines: list[OutputLine]) -> list[tuple[str, bytes]]:
    """Neighbours of one stream as one piece: a write for each of ten thousand would take longer than all else."""
    joined: list[tuple[str, list[bytes]]] = []
    for line in lines:
        if not joined or joined[-1][0] != line["stream"]:
            joined.append((line["stream"], []))
        joined[-1][1].append(piece_bytes(line))
    return [(stream, b"".join(pieces)) for stream, pieces in joined]
