"""Our terminal: raw while a process has it, and as it was before whatever happens."""

from __future__ import annotations

import os
import sys
import termios

from ..terminal import is_terminal, write_all
from .guard import Guard
from .modes import Modes, moves_about

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from .guard import Attributes

__all__ = ["Screen", "terminal_size"]

_KEYBOARD, _SCREEN = 0, 1
_MOST = 1000


def terminal_size() -> tuple[int, int]:
    """Rows and columns of our terminal; 24 and 80 where nobody knows."""
    for descriptor in (1, 0, 2):
        try:
            columns, rows = os.get_terminal_size(descriptor)
        except OSError:
            continue
        if rows > 0 and columns > 0:
            return min(rows, _MOST), min(columns, _MOST)
    return 24, 80


class Screen:
    """Lends the terminal to a process: ``with Screen() as screen``.

    Its keyboard is raw, unless a pipe types. What the process sets on the terminal is followed and undone at the end,
    by us or, when we are killed, by the guard.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._terminal = _KEYBOARD if is_terminal(sys.stdin) else _SCREEN
        self._modes = Modes()
        self._undo = b""
        self._at_line_start = True
        self._draws = False
        self._lent = False

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(self._terminal)
        self._raw = _raw(self._before, keyboard=self._terminal == _KEYBOARD)
        self._guard = Guard(self._terminal, self._before, self._raw)
        self.lend()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.take_back()
        self._guard.dismiss()

    @property
    def drawn(self) -> bool:
        """True when the process draws the screen, rather than print line after line."""
        return self.full_screen or self._draws

    def ring(self) -> None:
        """Ring the bell."""
        write_all(_SCREEN, b"\a")

    @property
    def full_screen(self) -> bool:
        """True while the process shows the alternate screen."""
        return self._modes.full_screen

    def lend(self) -> None:
        """Make the keyboard raw and set the modes that the process has set before."""
        self._lent = True
        # TCSADRAIN and not FLUSH: what was typed already is for the process.
        termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._raw)
        self._tell_guard()
        write_all(_SCREEN, self._modes.enter())

    def adopt(self, modes: Modes) -> None:
        """Go on with the modes that the process has set before we came."""
        self._modes = modes
        self._tell_guard()
        write_all(_SCREEN, modes.enter())

    def show(self, data: bytes) -> None:
        """Pass a piece of output to the terminal, exactly as it is."""
        if not data:
            return
        if self._modes.feed(data):
            self._tell_guard()
        self._at_line_start = data.endswith(b"\n")
        self._draws = self._draws or moves_about(data)
        write_all(_SCREEN, data)

    def take_back(self) -> None:
        """Undo what the process has set, and make the keyboard as it was; the next line of ours begins a line."""
        if not self._lent:
            return
        self._lent = False
        try:
            write_all(_SCREEN, self._modes.leave() + self._next_line())
        except OSError:
            pass  # the terminal has gone
        try:
            termios.tcsetattr(self._terminal, termios.TCSADRAIN, self._before)
        except termios.error:
            pass  # the same

    def _next_line(self) -> bytes:
        """Below what the process has drawn; leaving the alternate screen puts the cursor back by itself."""
        if self.full_screen or (self._at_line_start and not self._draws):
            return b""
        return b"\x1b[999;1H\r\n" if self._draws else b"\r\n"

    def forget(self) -> None:
        """Another run begins, on a fresh terminal."""
        self._modes, self._at_line_start, self._draws = Modes(), True, False
        self._tell_guard()

    def _tell_guard(self) -> None:
        # Before the terminal gets it: killed in between, the guard undoes a mode that was never set, which is harmless.
        undo = self._modes.leave()
        if undo != self._undo:
            self._undo = undo
            self._guard.tell(undo)


def _raw(before: Attributes, *, keyboard: bool) -> Attributes:
    """The attributes of cfmakeraw(3): every key is a byte, every byte is shown as it is.

    Without ``keyboard`` (the keys go to nobody, a pipe types) the keys that raise signals go on doing so.
    """
    flags_in, flags_out, flags_control, flags_local, speed_in, speed_out, characters = before
    assert isinstance(flags_in, int)
    assert isinstance(flags_out, int)
    assert isinstance(flags_control, int)
    assert isinstance(flags_local, int)
    assert isinstance(characters, list)
    flags_out &= ~termios.OPOST
    flags_local &= ~termios.ECHO
    if not keyboard:
        return [flags_in, flags_out, flags_control, flags_local, speed_in, speed_out, characters]
    flags_in &= ~(
        termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP | termios.INLCR | termios.IGNCR
        | termios.ICRNL | termios.IXON
    )  # fmt: skip
    flags_control = flags_control & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    flags_local &= ~(termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    characters = list(characters)
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    return [flags_in, flags_out, flags_control, flags_local, speed_in, speed_out, characters]
