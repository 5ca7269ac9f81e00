"""Serving in a child process, and in the next one when that is killed: the sockets stay open here meanwhile.

Whoever calls between two children waits in the listen queue for the second that the next one needs; nobody is refused,
and an agent that knows the port alone need not be told. When the watcher itself is killed, the child serves on.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import cast

from persistproc_core.errors import InternalError, PersistprocError, error_from_wire
from persistproc_core.paths import Home

from ..settings import About

__all__ = ["Life", "serve_watched"]

Life = Callable[[Callable[[About], None], str], None]
"""Serves until a signal ends it. Takes what to call when requests are answered, and how the one before ended (empty:
there was none). Raises `PersistprocError`."""

_QUICK_SECONDS = 5.0
_MOST_QUICK_ENDS = 5
_PAUSE = 0.2
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_DEFECT = 70


def serve_watched(home: Home, life: Life, ready: Callable[[About], None], between: Callable[[], None]) -> None:
    """See to it that somebody serves, until it is ended by a signal to the child or to us.

    ``ready`` is called once, when requests are answered; ``between`` after each child's death. Raises what kept the
    first child from serving, and `InternalError` when one after the other dies as soon as it is born.
    """
    _Watch(home, life, ready, between).run()


class _Watch:
    def __init__(self, home: Home, life: Life, ready: Callable[[About], None], between: Callable[[], None]) -> None:
        self._home = home
        self._life = life
        self._ready = ready
        self._between = between
        self._child = 0
        self._ending = False
        self._told = False

    def run(self) -> None:
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        for number in _SIGNALS:
            if before[number] is not signal.SIG_IGN or number != signal.SIGHUP:
                signal.signal(number, self._pass_on)
        try:
            self._see_to_it()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        # Ctrl-C reaches the child by itself, for it is of our process group: SIGTERM as well means no hurry to it.
        self._ending = True
        if self._child:
            try:
                os.kill(self._child, signal.SIGTERM)
            except ProcessLookupError:
                pass

    def _see_to_it(self) -> None:
        quick, how = 0, ""
        while not self._ending:
            begun = time.monotonic()
            status = self._one_life(how)
            if status == 0 or self._ending:
                return
            how = f"exit status {status}" if status > 0 else f"signal {-status}"
            quick = quick + 1 if time.monotonic() - begun < _QUICK_SECONDS else 0
            if quick == _MOST_QUICK_ENDS:
                raise InternalError(f"the bridge dies again and again ({how})", hint=f"see {self._home.bridge_log}")
            self._between()
            if quick > 1:
                time.sleep(_PAUSE)

    def _one_life(self, how: str) -> int:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            os._exit(self._live(writer, how))
        self._child = child
        os.close(writer)
        if self._ending:
            # The signal came before there was a child to pass it on to.
            self._pass_on(signal.SIGTERM, None)
        try:
            self._hear(reader)
        finally:
            os.close(reader)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            self._child = 0
        return status

    def _hear(self, reader: int) -> None:
        """Take in what the child has to say; it says one thing, or nothing."""
        with open(reader, "rb", closefd=False) as pipe:
            line = pipe.readline()
        if not line or self._told:
            return
        document = json.loads(line)
        if "error" in document:
            raise error_from_wire(document["error"])
        self._told = True
        self._ready(cast("About", document))

    def _live(self, writer: int, how: str) -> int:
        """The life of a child; it must not return into what we were doing."""
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        try:
            self._life(lambda about: _say(writer, about), how)
            return 0
        except PersistprocError as error:
            _say(writer, {"error": error.to_wire()})
            return error.exit_code
        except BaseException as error:
            _say(writer, {"error": InternalError(f"the bridge has failed: {type(error).__name__}").to_wire()})
            return _DEFECT


def _say(writer: int, document: object) -> None:
    try:
        os.write(writer, json.dumps(document).encode() + b"\n")
        os.close(writer)
    except OSError:
        pass  # the watcher was killed; or it was said that we serve, and now it is said that we failed
