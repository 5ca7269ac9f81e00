"""Signals as something that `select` can wait for."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from typing_extensions import Self

__all__ = ["Signals", "suspend"]


class Signals:
    """``with Signals(SIGWINCH) as signals``: `fileno` is readable after these, and every other that has a handler.

    Without it a signal that the kernel hands to another thread would not wake the `select` of this one.
    """

    def __init__(self, *watched: signal.Signals) -> None:
        self._watched = watched

    def __enter__(self) -> Self:
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(writer, False)
        self._writer = writer
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in self._watched:
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, _noted)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(-1)
        for number in self._watched:
            if signal.getsignal(number) is _noted:
                signal.signal(number, signal.SIG_DFL)
        os.close(self._reader)
        os.close(self._writer)

    def fileno(self) -> int:
        """For `select`."""
        return self._reader

    def take(self) -> set[int]:
        """The numbers of the signals that have arrived."""
        try:
            return set(os.read(self._reader, 4096))
        except BlockingIOError:
            return set()


def _noted(number: int, frame: FrameType | None) -> None:
    """The wake-up descriptor has the number already."""


def suspend() -> None:
    """Stop as the shell expects it of a job; returns when somebody lets us go on."""
    signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, _noted)
