"""Runs inside daemon and keeper: sees each line of ours before it is executed (sys.settrace)."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.crash.lines.control import Control

__all__ = ["Tracer"]

_OFF, _RECORD, _KILL = 0, 1, 2
_FUNCTION = 1
"""CO_OPTIMIZED (inspect): the bodies of modules and classes have it not. They run at import, which leaves nothing."""


class Tracer:
    """One a process; what is forked from it goes on with another role."""

    def __init__(self, control: Control, role: str, package: str, *, always: bool) -> None:
        """``package``: the folder whose files count. ``always``: also in functions that were entered while it was off.

        That costs time at each line, so it is for the keeper, whose loop is entered once and never left.
        """
        self._page = control.page
        self._control = control
        self._role = role
        self._born = control.page[1]
        self._package = package.rstrip("/") + "/"
        self._always = always
        self._leader = 0
        self._seen: set[tuple[str, int]] = set()
        self._epoch = -1
        self._target: tuple[str, str, int] = ("", "", 0)
        self._list = -1

    def begin(self) -> None:
        """Trace this thread and those that it starts."""
        os.register_at_fork(before=self._note_parent, after_in_child=self._forked)
        threading.settrace(self._call)
        sys.settrace(self._call)

    def begin_when_asked(self) -> None:
        """Begin at `Control.wake`, or now when there is an order already: a traced daemon is half as fast."""
        threading.settrace(self._call)
        if self._page[0] != _OFF:
            self.begin()
        signal.signal(self._control.wake_signal, self._woken)

    def _woken(self, number: int, frame: FrameType | None) -> None:
        if sys.gettrace() is None:
            self.begin()
        self._control.answer()

    def _note_parent(self) -> None:
        self._leader = os.getpid()

    @property
    def _here(self) -> str:
        # What took over is the daemon from the next order on.
        return "daemon" if self._role == "successor" and self._page[1] != self._born else self._role

    def _forked(self) -> None:
        self._seen = set()
        if self._role == "keeper":
            self._role = "holder" if _called_from("holder.py") else "child"

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        mode = self._page[0]
        if mode == _OFF and not self._always:
            return None
        file = frame.f_code.co_filename
        if not file.startswith(self._package) or not frame.f_code.co_flags & _FUNCTION:
            return None
        if mode == _KILL:
            self._look_up()
            if file != self._target[1] and not self._always:
                return None
        return self._line

    def _look_up(self) -> None:
        if self._epoch != self._page[1]:
            self._epoch = self._page[1]
            role, file, line = self._control.order
            self._target = role, self._package + file, line
            self._seen.clear()

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        mode = self._page[0]
        if event != "line" or mode == _OFF:
            return self._line
        place = frame.f_code.co_filename, frame.f_lineno
        if mode == _RECORD:
            self._record(place)
        else:
            self._look_up()
            if self._target == (self._here, *place):
                # Of one that has just been forked it is the parent whose death matters: the child waits at its gate.
                self._control.strike(self._leader if self._role == "child" else os.getpid())
        return self._line

    def _record(self, place: tuple[str, int]) -> None:
        if self._epoch != self._page[1]:
            self._epoch = self._page[1]
            self._seen.clear()
        if place in self._seen:
            return
        self._seen.add(place)
        fd = os.open(self._control.list_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.write(fd, f"{self._here} {place[0][len(self._package) :]} {place[1]}\n".encode())
        os.close(fd)


def _called_from(name: str) -> bool:
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.endswith("/" + name):
            return True
        frame = frame.f_back
    return False
