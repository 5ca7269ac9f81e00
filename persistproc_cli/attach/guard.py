"""A tiny process that puts the terminal back when ours was killed before it could.

SIGKILL cannot be caught. Without the guard it leaves a terminal without echo, with the mouse on, in the wrong screen.
"""

from __future__ import annotations

import fcntl
import os
import signal
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    Attributes = list[int | list[bytes | int]]

__all__ = ["Guard"]

_SIZE = 2
_FLAGS = 4  # of input, output, control and local modes
_DISMISS = b"\xff" * _SIZE
_MOST_DESCRIPTORS = 65_536


class Guard:
    """Waits beside us for our end.

    ``before`` and ``raw`` are what `termios.tcgetattr` says without and with us; None: they are left alone.
    """

    def __init__(self, terminal: int, before: Attributes | None = None, raw: Attributes | None = None) -> None:
        reader, self._writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _guard(reader, terminal, before, raw)
        os.close(reader)

    def tell(self, undo: bytes) -> None:
        """From now on these bytes undo what was set on the terminal."""
        self._send(len(undo).to_bytes(_SIZE, "big") + undo)

    def dismiss(self) -> None:
        """The terminal is as it was: the guard ends and touches nothing."""
        if self._writer < 0:
            return
        self._send(_DISMISS)
        os.close(self._writer)
        self._writer = -1
        try:
            os.waitpid(self._pid, 0)
        except ChildProcessError:
            pass  # SIGCHLD is ignored: the kernel reaps it

    def _send(self, message: bytes) -> None:
        try:
            os.write(self._writer, message)
        except OSError:
            pass  # somebody killed the guard; the terminal is put back all the same unless we are killed, too


def _guard(reader: int, terminal: int, before: Attributes | None, raw: Attributes | None) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        # A session of its own: no key reaches it, and tcsetattr from outside the foreground group raises no SIGTTOU.
        os.setsid()
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGTTOU, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        _keep_only(reader, terminal)
        undo = _last_words(0)
        if undo is not None:
            # A shell that was quicker edits its next line already, in a mode of its own that must stay.
            if before is not None and raw is not None and termios.tcgetattr(1)[:_FLAGS] == raw[:_FLAGS]:
                termios.tcsetattr(1, termios.TCSANOW, before)
            os.write(1, undo)
    except (OSError, termios.error):
        pass  # the terminal has gone
    finally:
        os._exit(0)


def _keep_only(reader: int, terminal: int) -> None:
    """The pipe as descriptor 0 and the terminal as 1; whoever waits for the end of any other must not wait for us."""
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 3) for descriptor in (reader, terminal)]
    os.dup2(high[0], 0)
    os.dup2(high[1], 1)
    os.closerange(2, _MOST_DESCRIPTORS)


def _last_words(reader: int) -> bytes | None:
    """What undoes the modes, at the end of the pipe; None after a dismissal."""
    undo, unread = b"", b""
    while True:
        data = os.read(reader, 4096)
        if not data:
            return undo
        unread += data
        while len(unread) >= _SIZE:
            if unread.startswith(_DISMISS):
                return None
            end = _SIZE + int.from_bytes(unread[:_SIZE], "big")
            if len(unread) < end:
                break
            undo, unread = unread[_SIZE:end], unread[end:]
