"""The holder: a twin of the keeper that does nothing but keep the FIFOs open.

The kernel forgets what is in a FIFO when nobody has it open any more. When the keeper is killed and a child then writes
its last line and ends, that line would be gone. So the keeper forks once, and gives this twin the reading end of each
FIFO before the child may run (SCM_RIGHTS, unix(7)): a descriptor that was sent is held by the kernel even when the
sender dies at once. The twin never reads from them. It outlives keepers; the next one finds it by its socket.
It outlives versions of the keeper as well, so what is said to it keeps its form: ``hold``, ``take``, ``drop``, each
with a run id; what it does not know, it passes over.
"""

from __future__ import annotations

import _socket
import errno
import os
import select
import signal
import sys

from .link import Listener, close_all_but
from .wire import FrameReader, frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Holder"]

_INT = 4
_ROOM = 16 * 1024
_MOST_FDS = 16


class Holder:
    """The keeper's side. `fd` becomes readable when the twin is gone; then make another one and send all again."""

    __slots__ = ("_socket", "fd")

    def __init__(self, path: str) -> None:
        """Connect to the twin that is there, or fork one. Raises `OSError`."""
        self._begin(_socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM))
        os.set_inheritable(self.fd, False)
        try:
            self._socket.connect(path)
        except OSError:
            listener = Listener(path)
            _fork(listener)
            listener.close()
            self._socket.connect(path)
        # It says so when it has let go of everything of ours that it was forked with.
        if not self._socket.recv(1):
            raise OSError(errno.EPIPE, "the twin hung up")

    def _begin(self, connection: _socket.socket) -> None:
        self._socket = connection
        # A twin that is stopped must not stop the parent of all children.
        self._socket.settimeout(1.0)
        self.fd = self._socket.fileno()

    @classmethod
    def of(cls, fd: int) -> Holder:
        """The connection of the program whose place we take."""
        self = cls.__new__(cls)
        self._begin(_socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, fd))
        return self

    def hold(self, run_id: bytes, fds: Iterable[int]) -> None:
        """Have these held for the run. Raises `OSError`."""
        packed = b"".join(fd.to_bytes(_INT, sys.byteorder) for fd in fds)
        count = b"%d" % (len(packed) // _INT)
        self._socket.sendmsg([frame(b"hold", run_id, count)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, packed)])

    def take(self, run_id: bytes) -> list[int]:
        """Copies of what is held for the run; none when nothing is. Raises `OSError`.

        Without them a terminal would die with the keeper that made it: it has no name by which one could open it.
        """
        self._socket.sendall(frame(b"take", run_id))
        data, ancillary, _, _ = self._socket.recvmsg(1, _socket.CMSG_SPACE(_MOST_FDS * _INT))
        if not data:
            raise OSError(errno.EPIPE, "the twin hung up")
        fds = _unpacked(ancillary)
        for fd in fds:
            os.set_inheritable(fd, False)
        return fds

    def drop(self, run_id: bytes) -> None:
        """Let go of the run's. Raises `OSError`."""
        self._socket.send(frame(b"drop", run_id))

    def listen(self) -> None:
        """Have it make its socket's file again, if somebody deleted it. Raises `OSError`."""
        self._socket.send(frame(b"listen", b""))

    def close(self) -> None:
        """Close the connection; a twin that holds nothing ends by itself."""
        self._socket.close()


def _fork(listener: Listener) -> None:
    # Twice: the twin outlives its keeper in any case, and one that dies must not be a zombie among the children.
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            if os.fork() == 0:
                _live(listener)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _live(listener: Listener) -> None:
    """The twin's whole life. Never returns."""
    try:
        # The keeper's lock, its links and its pipes would live on in us, and nobody could tell that it is dead.
        close_all_but(listener.fd)
        signal.set_wakeup_fd(-1)
        twin = _Twin(listener)
        twin.loop()
        twin.remove()
    except BaseException:
        os._exit(1)
    os._exit(0)


class _Twin:
    """What the twin holds, and for whom."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._held: dict[bytes, list[int]] = {}
        self._link: _socket.socket | None = None
        self._reader = FrameReader()
        self._fds: list[int] = []
        self._poll = select.poll()
        self._watched: set[int] = set()

    def loop(self) -> None:
        """Until there is no keeper and nothing to hold."""
        self._poll.register(self._listener.fd, select.POLLIN)
        waited = False
        while self._link is not None or self._held or not waited:
            for fd, _ in self._poll.poll():
                if fd == self._listener.fd:
                    link = self._listener.accept_socket()
                    if link is not None:
                        self._hear_out()
                        self._drop_link()
                        self._forget_ends()
                        self._link = link
                        self._poll.register(link.fileno(), select.POLLIN)
                        waited = True
                        _say_ready(link)
                elif self._link is None:
                    self._deserted(fd)
                elif fd == self._link.fileno() and self._receive(self._link) is False:
                    self._drop_link()

    def remove(self) -> None:
        """Remove the socket's file."""
        self._listener.remove()

    def _listen_again(self) -> None:
        if not self._listener.is_there:
            try:
                listener = Listener(self._listener.path)
            except OSError:
                return  # its folder is gone as well; who makes that one asks again
            self._poll.unregister(self._listener.fd)
            self._listener.close()
            self._listener = listener
            self._poll.register(listener.fd, select.POLLIN)

    def _hear_out(self) -> None:
        # What a keeper said last may still be unread when it is dead and the next one is here: a run that it let go of
        # would be held for ever.
        while self._link is not None and self._receive(self._link):
            pass

    def _drop_link(self) -> None:
        if self._link is not None:
            self._poll.unregister(self._link.fileno())
            self._link.close()
            self._watch_ends()
        self._link = None
        self._reader = FrameReader()
        _close(self._fds)
        self._fds = []

    # Without a keeper, one thing more is watched: whether a run still has a process. poll(2) tells that nobody writes
    # to a FIFO any more, or has a terminal open, without being asked (POLLHUP).

    def _watch_ends(self) -> None:
        for fds in self._held.values():
            for fd in fds:
                self._poll.register(fd, 0)
                self._watched.add(fd)

    def _forget_ends(self) -> None:
        for fd in self._watched:
            self._poll.unregister(fd)
        self._watched.clear()

    def _deserted(self, fd: int) -> None:
        if fd not in self._watched:
            return  # its run was let go of in this very round
        self._watched.discard(fd)
        self._poll.unregister(fd)  # it would be told for ever
        if self._listener.is_there and not _is_removed(fd):
            return  # the next keeper reads what it left
        # Somebody deleted our socket, and no keeper will ever find us, or the run was removed: held for ever.
        for run_id, fds in list(self._held.items()):
            if fd in fds:
                for each in self._watched & set(fds):
                    self._poll.unregister(each)
                self._watched -= set(fds)
                _close(self._held.pop(run_id))

    def _receive(self, link: _socket.socket) -> bool | None:
        """True when something was said, None when nothing is there now, False when nothing will come any more."""
        try:
            data, ancillary, _, _ = link.recvmsg(_ROOM, _socket.CMSG_SPACE(_MOST_FDS * _INT))
        except BlockingIOError:
            return None
        except OSError:
            return False
        self._fds += _unpacked(ancillary)
        if not data:
            return False
        for verb, run_id, *rest in self._reader.feed(data):
            if verb == b"take":
                _give(link, self._held.get(run_id, []))
                continue
            if verb == b"listen":
                self._listen_again()
                continue
            _close(self._held.pop(run_id, []))
            if verb == b"hold":
                # Descriptors come with the first byte of their frame, so these are the frame's.
                count = int(rest[0])
                self._held[run_id], self._fds = self._fds[:count], self._fds[count:]
        return True


def _is_removed(fd: int) -> bool:
    """Whether the run of a FIFO was removed, by the name that its folder has then (proc_pid_fd(5); False elsewhere)."""
    try:
        return "/.deleted-" in os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return False


def _say_ready(link: _socket.socket) -> None:
    try:
        link.send(b"r")
    except OSError:
        pass  # that keeper is dead already; the next one comes


def _give(link: _socket.socket, fds: list[int]) -> None:
    packed = b"".join(fd.to_bytes(_INT, sys.byteorder) for fd in fds)
    try:
        link.sendmsg([b"t"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, packed)] if fds else [])
    except OSError:
        pass  # that keeper is dead already; the next one asks again


def _unpacked(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    fds: list[int] = []
    for _, _, packed in ancillary:
        fds += memoryview(packed[: len(packed) // _INT * _INT]).cast("i").tolist()
    return fds


def _close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
