"""Ctrl-C while we show a process's output: what shall become of it?"""

from __future__ import annotations

import select
import sys
import termios

from .interrupts import Interrupted
from .oneline import one_line
from .signals import Signals
from .terminal import Keyboard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interrupts import Interrupts

__all__ = ["ANSWERS", "ask"]

ANSWERS = {"d": "detach", "s": "stop", "r": "restart"}
_DETACH_KEYS = ("", "\n", "\r", "\x04")


def ask(name: str, interrupts: Interrupts, state: str = "runs on") -> str:
    """Ask once: ``detach``, ``stop`` or ``restart``. Enter, Ctrl-D, a second Ctrl-C and a closed terminal detach.

    Nothing reads the process's output meanwhile, so nothing can scroll over the question.
    """
    try:
        with Keyboard() as keyboard, Signals() as signals:
            _show(f"persistproc: {one_line(name)} {one_line(state)}. [d]etach, [s]top, [r]estart? ")
            answer = _answer(keyboard, signals, interrupts)
    except termios.error:
        answer = "detach"
    _show(f"{answer}\n")
    return answer


def _answer(keyboard: Keyboard, signals: Signals, interrupts: Interrupts) -> str:
    awaited: list[Keyboard | Signals] = [keyboard, signals]
    while True:
        try:
            with interrupts:
                # A signal that comes right before a read would be felt only after the next key: it ends this wait.
                while keyboard not in select.select(awaited, [], [])[0]:
                    signals.take()
                key = keyboard.read().lower()
        except (Interrupted, OSError):
            return "detach"
        if key in _DETACH_KEYS:
            return "detach"
        if key in ANSWERS:
            return ANSWERS[key]


def _show(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        pass
