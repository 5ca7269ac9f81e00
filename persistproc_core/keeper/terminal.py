"""The terminal of a run: a pseudoterminal whose master the keeper holds (pty(7)).

What the run prints comes out of the master and goes through the FIFO ``stdout`` to the log, like any other output. What
is typed comes through the FIFO ``stdin``, so that the daemon writes to both kinds of runs in one way, and goes into the
master as the terminal takes it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import termios

from .capture import Capture
from .fields import Fields, dump

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .segments import Segments

__all__ = ["NoTerminal", "Screen", "Typing", "become_controlling", "open_terminal", "set_size"]

_CHUNK = 64 * 1024
_PIECE = 4096
_PIECES = 16
_IUTF8 = 0x4000
_IFLAG = 0
_NOW = 2  # SPLICE_F_NONBLOCK


class NoTerminal(OSError):
    """There is no terminal left."""


def open_terminal(rows: int, columns: int) -> tuple[int, int]:
    """A new terminal of that size: master and slave. Raises `NoTerminal`."""
    try:
        master, slave = os.openpty()
    except OSError as error:
        raise NoTerminal(error.errno, str(error)) from None
    os.set_blocking(master, False)
    try:
        set_size(master, rows, columns)
        if os.uname().sysname == "Linux":
            # So that one backspace at a line of input deletes a whole character, not a byte of it (termios(3)).
            modes = termios.tcgetattr(slave)
            modes[_IFLAG] |= _IUTF8
            termios.tcsetattr(slave, termios.TCSANOW, modes)
    except (OSError, termios.error):
        pass  # one of another size is better than none
    return master, slave


def set_size(master: int, rows: int, columns: int) -> None:
    """Set the size; the kernel sends SIGWINCH to the foreground group (ioctl_tty(2)). Raises `OSError`."""
    fields = (rows, columns, 0, 0)
    fcntl.ioctl(master, termios.TIOCSWINSZ, b"".join(min(field, 0xFFFF).to_bytes(2, sys.byteorder) for field in fields))


def become_controlling(slave: int) -> None:
    """Make it the controlling terminal and the standard streams of this process, which leads a new session."""
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for target in (0, 1, 2):
        os.dup2(slave, target)


class Screen(Capture):
    """Drains the master, through a FIFO. It ends when no process has the terminal open, until one opens it again.

    The FIFO is there for a kill -9: what is read from the master would be in our memory alone until it is in the file.
    By splice(2) each byte is in the terminal, in the FIFO (which the holder has open as well) or in the file.
    """

    __slots__ = ("_splice_in",)

    is_terminal = True

    def __init__(self, master: int, directory: bytes, stream: bytes, least: int, keep: int) -> None:
        """``master`` -1: there is none (any more), only its log and what is left in the FIFO. Raises `OSError`."""
        super().__init__(directory, stream, least, keep)
        self.fd = master

    def _begin(self, log: Segments) -> None:
        super()._begin(log)
        self._splice_in = hasattr(os, "splice")

    def _open(self, path: bytes) -> int:
        try:
            return os.open(path, os.O_RDWR | os.O_NONBLOCK)
        except FileNotFoundError:
            return -1

    @property
    def held(self) -> list[int]:
        return [self.fd, self._source] if self.fd >= 0 else []

    def present(self) -> int:
        """The most that one look takes: the kernel tells only of a part of what is there (n_tty)."""
        return _CHUNK if self.fd >= 0 else 0

    def widen(self) -> None:
        """A terminal is slower than any FIFO."""

    def _move(self, most: int) -> int:
        self.log.check()
        if not self._waiting(self._source):
            if not self.log.room and self._waiting(self.fd):
                self.log.open()  # before anything is taken out: without a descriptor, it stays there
            if not self._pump():
                return 0
        return super()._move(most)

    def _drop(self) -> int:
        try:
            if not self._waiting(self._source) and not self._pump():
                return -1
        except BlockingIOError:
            return 0
        return super()._drop()

    def _pump(self) -> int:
        """Move a chunk from the terminal into the empty FIFO; returns how much, 0 when no process has it open."""
        try:
            if self._splice_in:
                try:
                    return os.splice(self.fd, self._source, _CHUNK, flags=_NOW)
                except OSError as error:
                    if error.errno != errno.EINVAL:  # before Linux 5.11
                        raise
                    self._splice_in = False
            return os.write(self._source, os.read(self.fd, _PIECE))
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return 0


class Typing:
    """Passes on what is typed: `fd` is the reading end of the FIFO, `out` a second descriptor of the master.

    Nothing is dropped and no more than one piece held: while a program does not read, what is typed stays in the FIFO.
    """

    __slots__ = ("_held", "fd", "out")

    def __init__(self, directory: bytes, master: int) -> None:
        """Raises `OSError`."""
        self._held = b""
        # For writing as well: it has no end then, whoever opens and closes it.
        self.fd = os.open(os.path.join(directory, b"stdin"), os.O_RDWR | os.O_NONBLOCK)
        try:
            self.out = os.dup(master)
        except OSError:
            os.close(self.fd)
            raise

    def dump(self) -> bytes:
        """For the program that takes our place."""
        return dump(fd=self.fd, out=self.out, held=self._held)

    @classmethod
    def of(cls, fields: Fields) -> Typing:
        """What was dumped, with the same descriptors."""
        self = cls.__new__(cls)
        self._held = fields.text("held")
        self.fd, self.out = fields.number("fd", -1), fields.number("out", -1)
        return self

    def pump(self) -> bool:
        """Pass on what is there; false when the terminal takes no more now.

        Raises `OSError` when no process has it open.
        """
        for _ in range(_PIECES):
            if not self._held:
                try:
                    self._held = os.read(self.fd, _PIECE)
                except BlockingIOError:
                    return True
            try:
                self._held = self._held[os.write(self.out, self._held) :]
            except BlockingIOError:
                return False
        return not self._held

    def close(self) -> None:
        """Close everything."""
        os.close(self.fd)
        os.close(self.out)
