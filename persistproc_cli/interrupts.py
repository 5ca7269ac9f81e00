"""Signals while we stream: noted always, and felt only where nothing can be lost by it.

A KeyboardInterrupt that arrives in the middle of a write would cut the output and leave no way to tell how much of it
was shown. So a signal is only noted, except inside ``with interrupts:``: there it raises `Interrupted`.
"""

from __future__ import annotations

import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType

__all__ = ["Interrupted", "Interrupts"]


class Interrupted(BaseException):
    """A signal arrived while nothing was being written. Like KeyboardInterrupt no ordinary error."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Interrupts:
    """Catches SIGINT, SIGTERM, SIGHUP, and ``more``, but not what the caller ignores (``nohup``, ``&`` in a script)."""

    def __init__(self, *more: signal.Signals) -> None:
        self._pending = 0
        self._allowed = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, *more):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._pending = number
        if self._allowed:
            self._raise()

    def _raise(self) -> None:
        number, self._pending, self._allowed = self._pending, 0, False
        raise Interrupted(number)

    def __enter__(self) -> None:
        """From here on a signal raises `Interrupted`; one that was noted before does so at once."""
        self._allowed = True
        if self._pending:
            self._raise()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._allowed = False
