"""The keeper's loop: one thread, one poll. It sleeps until a child writes or ends or the daemon asks."""

from __future__ import annotations

import errno
import os
import signal

from .blocked import blocked_calls
from .holding import Holding
from .launching import Launching
from .links import Links
from .poll import Poll
from .run import FIFOS
from .streams import Streams
from .system import is_late, pipe, place, unlink
from .terminal import NoTerminal, set_size
from .upgrade import Upgrade
from .wire import VERSION, pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .home import Home
    from .link import Link
    from .run import Run
    from .state import State

__all__ = ["Keeper"]

_MOST_LOOKED_AT = 256
_AT_FIRST = b"\0first"


class Keeper:
    """The table of runs and what the daemon may ask for."""

    def __init__(self, home: Home, state: State, image: int) -> None:
        """Go on from there. Nothing on disk, no child and no peer is touched before `loop`.

        ``image``: our own program in memory (see `image`).
        """
        self.home = home
        self.image = image
        self.spent = state.spent
        self.poll = Poll()
        self.runs: dict[bytes, Run] = {}
        self.links = Links(state.listener, self.poll, self._answer, state.links)
        self.holding = Holding(home.holder, self.poll, home.log, self.runs, state.holder)
        self._launching = Launching(self)
        self._streams = Streams(self.poll, self._grown)
        upgrade = Upgrade(self)
        self._verbs: dict[bytes, Callable[[Link, bytes, list[bytes]], list[bytes] | None]] = {
            b"hello": self._hello,
            b"list": self._list,
            b"upgrade": upgrade.ask,
            b"start": self._launching.start,
            b"adopt": self._launching.adopt,
            b"signal": self._signal,
            b"resize": self._resize,
            b"blocked": self._blocked,
            b"drain": self._drain,
            b"release": self._release,
        }
        self._wakeup, wakeup_write = pipe()
        signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(number, lambda *_: None)
        self.poll.add(self._wakeup, lambda ready: self.take_signals())
        for run in state.runs:
            self.add(run)

    def loop(self) -> None:
        """Serve until nothing is left to keep."""
        self.holding.make()
        # Who has ended before we were there to be told.
        self.poll.later(_AT_FIRST, 0, self.look_at_all)
        while self.links.open or self.runs:
            for handler, ready in self.poll.wait():
                try:
                    handler(ready)
                except Exception as error:
                    # Whatever goes wrong with one run or link must not end the parent of all the others.
                    self.home.log(f"{type(error).__name__}: {error} in {place(error)}")

    def settle(self) -> None:
        """Close every log, with every mark written; they open again by themselves."""
        self._streams.settle()

    # --- what the daemon asks for -------------------------------------------------------------------------------------

    def _answer(self, link: Link, message: list[bytes]) -> None:
        if len(message) < 2:
            link.closed = True  # what has no id cannot be answered, and nobody sends it
            return
        if message[0] == b"watch":
            if len(message) == 4:
                self._watch(message[1:])
            return
        try:
            answer = self._verbs[message[0]](link, message[1], message[2:])
        except OSError as error:
            what = b"terminal" if isinstance(error, NoTerminal) else b"keeper"
            self.links.send(link, b"failed", message[1], what, b"%d" % (error.errno or 0), str(error).encode())
            return
        except (KeyError, IndexError, ValueError, OverflowError) as error:
            # A daemon of another version asks for what we do not know: it must not wait for an answer for ever.
            self.links.send(link, b"failed", message[1], b"keeper", b"%d" % errno.EINVAL, repr(error).encode())
            return
        if answer is not None:
            self.links.send(link, b"ok", message[1], *answer)

    def _hello(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        # Requests that a dead daemon left in its socket must not start anything that its successor has not heard of.
        for other in list(self.links.open):
            if other is not link:
                self.links.drop(other)
        return [b"%d" % VERSION, b"%d" % os.getpid()]

    def _list(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        return [pack(run.describe()) for run in self.runs.values()]

    def _signal(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        run = self.runs.get(fields[0])
        if run is None or not run.is_child or is_late(fields[3:]):
            return [b"gone"]  # or whoever asked has signalled each process by himself meanwhile
        try:
            (os.killpg if fields[2] == b"group" else os.kill)(run.pid, int(fields[1]))
        except (ProcessLookupError, PermissionError):
            return [b"gone"]  # or nobody in it may be signalled by us (sudo)
        return [b"sent"]

    def _drain(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        run = self.runs.get(fields[0])
        if run is not None:
            run.drain_present()
            run.marks.flush()
            self._grown(run)
        return []

    def _resize(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        run = self.runs.get(fields[0])
        if run is None or run.master < 0:
            return [b"none"]
        set_size(run.master, int(fields[1]), int(fields[2]))
        return [b"resized"]

    def _blocked(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        return [_blocked(int(pid)) for pid in fields[:_MOST_LOOKED_AT]]

    def _watch(self, fields: list[bytes]) -> None:
        run = self.runs.get(fields[0])
        if run is not None:
            run.watch = (int(fields[1]), int(fields[2]))
            self._grown(run)

    def _release(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        run = self.runs.get(fields[0])
        if run is not None:
            run.look()
            run.drain_present()
            self.forget(run)
            for name in FIFOS:
                unlink(os.path.join(run.directory, name))
        self.holding.let_go(fields[0])  # also one that only a former keeper knew
        return []

    # --- children -----------------------------------------------------------------------------------------------------

    def add(self, run: Run) -> None:
        """Keep a run from now on."""
        self.runs[run.run_id] = run
        if run.report >= 0:
            self.poll.add(run.report, lambda ready: self._reported(run))
        self._streams.add(run)

    def look_again(self, run: Run) -> None:
        """Somebody may have opened the FIFOs of a run whose last writer had gone."""
        self._streams.look_again(run)

    def _reported(self, run: Run) -> None:
        self.poll.remove(run.report)
        self._launching.reported(run)

    def _grown(self, run: Run) -> None:
        if run.grew:
            run.watch = None
            self.links.tell(b"grew", run.run_id)
        if run.rolled():
            self.links.tell(b"rolled", run.run_id)
        self._tell_lost(run)

    def _tell_lost(self, run: Run, *, at_last: bool = False) -> None:
        lost = run.lost(at_last=at_last)
        if lost:
            self.links.tell(b"lost", run.run_id, b"%d" % lost)

    def take_signals(self) -> None:
        """Do what the signals that have come ask for."""
        try:
            signals = os.read(self._wakeup, 4096)
        except BlockingIOError:
            signals = b""
        # The ends first: files may not be to be made, and both signals may have come at once.
        self.look_at_all()
        if signal.SIGUSR1 in signals:
            self._make_again()

    def look_at_all(self) -> None:
        """Look which children have ended."""
        for run in list(self.runs.values()):
            if run.report < 0:
                self.look_at(run)
        self.spent[:] = [pid for pid in self.spent if not _is_reaped(pid)]

    def spend(self, pid: int) -> None:
        """Reap a child that is no run when it has ended."""
        self.spent.append(pid)
        self.look_at_all()

    def _make_again(self) -> None:
        """Somebody deleted our files, or those of runs: a daemon that cannot find us asks for others."""
        if self.home.make_again():
            self.links.listen_again()
            self.holding.listen()
        else:
            # Its socket is not ours to replace. We keep what we have, for the daemon whose connection we have.
            self.home.log("another keeper holds the lock")
        for run in self.runs.values():
            if not os.path.isdir(run.directory):
                try:
                    run.remake()
                except OSError as error:
                    self.home.log(f"{os.fsdecode(run.directory)} cannot be made again: {error.strerror}")

    def look_at(self, run: Run) -> None:
        """Look whether a child has ended."""
        if run.look():
            self._grown(run)
            self._tell_lost(run, at_last=True)
            self.links.tell(b"exited", run.run_id, run.outcome)

    def forget(self, run: Run) -> None:
        """Give its pid back, close what it had, and forget it."""
        run.reap()
        self._streams.remove(run)
        run.close()
        del self.runs[run.run_id]
        self.holding.let_go(run.run_id)


def _blocked(pid: int) -> bytes:
    try:
        return pack(blocked_calls(pid))
    except PermissionError:
        return b""


def _is_reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
