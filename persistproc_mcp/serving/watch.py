"""Serving in a child process, and in the next one when that is killed: the sockets stay open here meanwhile.

Whoever calls between two children waits in the listen queue for the second that the next one needs; nobody is refused,
and an agent that knows the port alone need not be told. When the watcher itself is killed, the child serves on.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, cast

from persistproc_core.errors import InternalError, PersistprocError, error_from_wire
from persistproc_core.paths import Home

from ..settings import About
from .files import Files

__all__ = ["HandOver", "Life", "serve_watched"]

HandOver = Callable[[list[int], int], None]
"""Gives the watcher the files that a child has made again: as descriptors the lock and the socket, and the number of
the socket's file."""

Life = Callable[[Callable[[About], None], HandOver, str], None]
"""Serves until a signal ends it. Takes what to call when requests are answered, what to call when files were made
again, and how the one before ended (empty: there was none). Raises `PersistprocError`."""

_QUICK_SECONDS = 5.0
_MOST_QUICK_ENDS = 5
_PAUSE = 0.2
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_DEFECT = 70
_LONGEST = 65536
_MOST_DESCRIPTORS = 8


def serve_watched(home: Home, life: Life, ready: Callable[[About], None], files: Files) -> None:
    """See to it that somebody serves, until it is ended by a signal to the child or to us.

    ``ready`` is called once, when requests are answered; ``files`` are kept as the child has them. Raises what kept the
    first child from serving, and `InternalError` when one after the other dies as soon as it is born.
    """
    _Watch(home, life, ready, files).run()


class _Watch:
    def __init__(self, home: Home, life: Life, ready: Callable[[About], None], files: Files) -> None:
        self._home = home
        self._life = life
        self._ready = ready
        self._files = files
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
            # Whoever asks the kernel whose socket it is must not hear of the dead one.
            self._files.unix.listen()
            if quick > 1:
                time.sleep(_PAUSE)

    def _one_life(self, how: str) -> int:
        reader, writer = socket.socketpair()
        child = os.fork()
        if child == 0:
            reader.close()
            os._exit(self._live(writer, how))
        self._child = child
        writer.close()
        if self._ending:
            # The signal came before there was a child to pass it on to.
            self._pass_on(signal.SIGTERM, None)
        try:
            self._hear(reader)
        finally:
            reader.close()
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            self._child = 0
        return status

    def _hear(self, reader: socket.socket) -> None:
        """Take in what the child has to say, until it is gone."""
        # MSG_CMSG_CLOEXEC: recvmsg(2).
        flags, waiting, came = getattr(socket, "MSG_CMSG_CLOEXEC", 0), b"", list[int]()
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(reader, _LONGEST, _MOST_DESCRIPTORS, flags)
            except ConnectionResetError:
                return
            if not data:
                return
            came += descriptors
            *lines, waiting = (waiting + data).split(b"\n")
            for line in lines:
                document = json.loads(line)
                if "inode" in document:
                    self._files.replace(came, document["inode"])
                    came = []
                else:
                    self._heed(document)

    def _heed(self, document: dict[str, Any]) -> None:
        if self._told:
            return
        if "error" in document:
            raise error_from_wire(document["error"])
        self._told = True
        self._ready(cast("About", document))

    def _live(self, writer: socket.socket, how: str) -> int:
        """The life of a child; it must not return into what we were doing."""
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        try:
            self._life(
                lambda about: _say(writer, about),
                lambda descriptors, inode: _say(writer, {"inode": inode}, descriptors),
                how,
            )
            return 0
        except PersistprocError as error:
            _say(writer, {"error": error.to_wire()})
            return error.exit_code
        except BaseException as error:
            _say(writer, {"error": InternalError(f"the bridge has failed: {type(error).__name__}").to_wire()})
            return _DEFECT


def _say(writer: socket.socket, document: object, descriptors: Sequence[int] = ()) -> None:
    try:
        # It is a few hundred bytes: they go at once (unix(7)), and what is sent together with descriptors comes so.
        socket.send_fds(writer, [json.dumps(document).encode() + b"\n"], descriptors)
    except OSError:
        pass  # the watcher was killed
