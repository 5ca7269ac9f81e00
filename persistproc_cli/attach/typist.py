"""What was typed, and the size of the terminal, on their way to the process."""

from __future__ import annotations

import time

from persistproc_core.errors import DaemonUnavailable, InputNotRead, NoTerminal, NotRunning

from .background import Background

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import ProcessInfo

    from ..viewer import Viewer

__all__ = ["Typist"]

PIECE = 32 * 1024
"""Most bytes in one call; a call takes 64 KiB of base64."""

_MOST_PENDING = 64 * 1024
_PAUSE = 0.05
_STUCK_SECONDS = 1.0
# A program may look at the size once for two signals that come quickly; then it sees no change and draws nothing. So
# the second one comes when it has drawn; or after this time, which is long for a program that a busy machine holds up.
_REDRAW_SECONDS = 1.0
_DRAWN_SECONDS = 0.02


class Typist:
    """Sends what is typed, in order, as fast as the process takes it; what comes meanwhile goes with the next call.

    A call that was under way when the daemon died may have been done or not. It is not made again: a key that is
    missing is seen and typed again, a second Enter may do harm. ``unsure`` counts the bytes of such calls.
    """

    def __init__(self, viewer: Viewer, process: ProcessInfo) -> None:
        self.unsure = 0
        self.calls = Background()
        self._viewer = viewer
        self._process = process
        self._pending = bytearray()
        self._sending = False
        self._retry_at: float | None = None
        self._stuck_since: float | None = None
        self._full_size: tuple[int, int] | None = None
        self._full_size_at: float | None = None
        self._resizing = 0

    def switch(self, process: ProcessInfo) -> None:
        """Another run: what its predecessor did not read is not for it."""
        self._process = process
        self._pending.clear()
        self._retry_at = self._stuck_since = None

    @property
    def idle(self) -> bool:
        """True when the process has got everything."""
        return not (self._sending or self._pending or self._resizing)

    @property
    def full(self) -> bool:
        """True while nothing more should be typed."""
        return len(self._pending) >= _MOST_PENDING

    @property
    def stuck(self) -> bool:
        """True when the process has read nothing for a while."""
        return self._stuck_since is not None and time.monotonic() >= self._stuck_since + _STUCK_SECONDS

    def type(self, data: bytes) -> None:
        """Send something; ask `full` first."""
        self._pending += data
        self._send()

    def _send(self) -> None:
        if self._sending or not self._pending or self._retry_at is not None:
            return
        piece = bytes(self._pending[:PIECE])
        self._sending = True
        run = self._process["run"]
        self.calls.submit(lambda: self._call(piece), lambda count: self._sent(run, count))

    def _call(self, piece: bytes) -> int:
        """How many bytes of the piece are done with."""
        import binascii

        target = self._process
        # Finds the daemon again where that is needed, and sends nothing.
        client = self._viewer.read(_connected)
        try:
            client.send_process_input(
                process=target["name"],
                working_directory=target["project_directory"],
                base64=binascii.b2a_base64(piece, newline=False).decode("ascii"),
                newline=False,
            )
        except InputNotRead as error:
            written = error.data.get("written")
            return written if isinstance(written, int) else 0
        except DaemonUnavailable as error:
            if error.data.get("sent") is False:
                return 0
            self.unsure += len(piece)
        except NotRunning:
            pass  # the reader will tell how it ended
        return len(piece)

    def _sent(self, run: int, count: int) -> None:
        self._sending = False
        if run == self._process["run"]:
            del self._pending[:count]
            if count:
                self._stuck_since = None
            else:
                now = time.monotonic()
                self._stuck_since, self._retry_at = self._stuck_since or now, now + _PAUSE
        self._send()

    # --- the size -------------------------------------------------------------------------------------------------

    def resize(self, rows: int, columns: int, *, redraw: bool) -> None:
        """Send the size of the terminal; with ``redraw`` by way of another one, so that the process draws anew."""
        self._full_size, self._full_size_at = ((rows, columns) if redraw else None), None
        if redraw:
            rows = rows - 1 if rows > 1 else rows + 1
        self._resizing += 1
        self.calls.submit(lambda: self._resize(rows, columns), lambda _: self._resized())

    def settle(self) -> None:
        """Nobody waits for a drawing any more: the size is the one of the terminal now."""
        if self._full_size is not None:
            self.resize(*self._full_size, redraw=False)

    def _resize(self, rows: int, columns: int) -> None:
        target = self._process
        try:
            self._viewer.read(
                lambda client: client.resize_terminal(
                    process=target["name"], working_directory=target["project_directory"], rows=rows, columns=columns
                )
            )
        except (NotRunning, NoTerminal):
            pass  # the reader will tell how it ended
        except DaemonUnavailable as error:
            if not error.data.get("sent", False):
                raise

    def _resized(self) -> None:
        self._resizing -= 1
        if self._full_size is not None:
            self._full_size_at = time.monotonic() + _REDRAW_SECONDS

    def drawn(self) -> None:
        """The process has printed something: it has seen the size."""
        if self._full_size_at is not None:
            self._full_size_at = min(self._full_size_at, time.monotonic() + _DRAWN_SECONDS)

    # --- time -----------------------------------------------------------------------------------------------------

    @property
    def next_turn(self) -> float | None:
        """When `turn` has something to do, on the monotonic clock."""
        return min((at for at in (self._retry_at, self._full_size_at) if at is not None), default=None)

    def turn(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        if self._retry_at is not None and now >= self._retry_at:
            self._retry_at = None
            self._send()
        if self._full_size is not None and self._full_size_at is not None and now >= self._full_size_at:
            self.resize(*self._full_size, redraw=False)


def _connected(client: Client) -> Client:
    client.connect()
    return client
