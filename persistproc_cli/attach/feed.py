"""What the process prints, over restarts of it and of the daemon."""

from __future__ import annotations

from persistproc_core.client.wire import piece_bytes

from ..succession import next_run
from .background import Background
from .modes import Modes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from persistproc_core.protocol import GetProcessOutputParams, OutputLine, OutputReply, ProcessInfo

    from ..viewer import Viewer

__all__ = ["Feed", "Past", "line_endings"]

_POLL_SECONDS = 60.0
_MAX_BYTES = 256 * 1024
_MAX_LINES = 10_000
_HEAD_BYTES = 64 * 1024
_SCANNED_BYTES = 1024 * 1024


class Past:
    """What was there before we came: the last lines, and what the program has set on its terminal."""

    def __init__(self, reply: OutputReply, modes: Modes, recent: bytes) -> None:
        self.reply = reply
        self.modes = modes
        self.recent = recent


class Feed:
    """Asks for what is new, again and again; the cursor says how far we are, so that nothing is lost or shown twice."""

    def __init__(self, viewer: Viewer, process: ProcessInfo) -> None:
        self.calls = Background()
        self.process = process
        self.cursor = "start"
        self._viewer = viewer

    def switch(self, process: ProcessInfo) -> None:
        """Go on with the first byte of another run."""
        self.process = process
        self.cursor = "start"

    def read(self) -> OutputReply:
        """What is new; waits for it. When the run has ended and everything was returned, ``ended`` is true."""
        reply = self._viewer.read(
            lambda client: client.get_process_output(
                process=self.process["name"],
                working_directory=self.process["project_directory"],
                run=self.process["run"],
                cursor=self.cursor,
                format="raw",
                max_bytes=_MAX_BYTES,
                wait_seconds=_POLL_SECONDS,
            )
        )
        self.cursor = reply["cursor"]
        return reply

    def next_run(self, ended: OutputReply) -> ProcessInfo | None:
        """The run that somebody started in place of the one that ended; None when there is none."""
        return next_run(self._viewer, self.process, ended)

    # --- what was there before --------------------------------------------------------------------------------------

    def look_back(self, lines: int) -> Past:
        """The last lines, as text and colour, an unfinished one last; from there on `read` goes on."""
        reply = self._ask_past(lines, "ansi", None)
        self.cursor = reply["cursor"]
        if not self.process["tty"]:
            return Past(reply, Modes(), b"")
        # What is printed between the two calls is seen here and again by `read`; modes may be set twice.
        modes, recent = self._modes()
        return Past(reply, modes, recent)

    def _modes(self) -> tuple[Modes, bytes]:
        """The modes after the end of the log, and that end.

        A program that fills the screen sets most of them when it starts; so the beginning is looked at as well.
        """
        pieces: list[bytes] = []
        reply = self._ask_past(_MAX_LINES, "raw", None)
        pieces.append(_bytes(reply))
        while reply["omitted_bytes"] and reply["lines"] and sum(map(len, pieces)) < _SCANNED_BYTES:
            reply = self._ask_past(_MAX_LINES, "raw", reply["start"])
            pieces.append(_bytes(reply))
        modes = Modes()
        if reply["omitted_bytes"]:
            modes.feed(self._head())
        for piece in reversed(pieces):
            modes.feed(piece)
        return modes, pieces[0]

    def _ask_past(self, lines: int, how: Literal["ansi", "raw"], before: str | None) -> OutputReply:
        params: GetProcessOutputParams = {
            "process": self.process["name"],
            "working_directory": self.process["project_directory"],
            "run": self.process["run"],
            "lines": lines,
            "format": how,
            "max_bytes": _MAX_BYTES,
        }
        if before is not None:
            params["before"] = before
        return self._viewer.read(lambda client: client.get_process_output(**params))

    def _head(self) -> bytes:
        return _bytes(
            self._viewer.read(
                lambda client: client.get_process_output(
                    process=self.process["name"],
                    working_directory=self.process["project_directory"],
                    run=self.process["run"],
                    cursor="start",
                    format="raw",
                    max_bytes=_HEAD_BYTES,
                )
            )
        )


def line_endings(lines: list[OutputLine], newline: str) -> list[OutputLine]:
    """The lines of a reply with their endings; the last one has none when it is unfinished."""
    last = len(lines) - 1
    endings = ["" if index == last and line.get("partial") else newline for index, line in enumerate(lines)]
    return [
        {"stream": line["stream"], "text": line.get("text", "") + ending}
        for line, ending in zip(lines, endings, strict=True)
    ]


def _bytes(reply: OutputReply) -> bytes:
    return b"".join(map(piece_bytes, reply["lines"]))
