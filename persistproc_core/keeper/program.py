"""The keeper's loop: one thread, one poll. It sleeps until a child writes or ends or the daemon asks."""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
import time

from .blocked import blocked_calls
from .holding import Holding
from .link import Link, Listener, close_all_but
from .poll import Poll
from .run import FIFOS, Run, write_record
from .spawn import Order, spawn
from .streams import STARVED_SECONDS, Streams
from .system import limits_of, lock, make_fifo, pipe, place, unlink
from .terminal import NoTerminal, open_terminal, set_size
from .wire import VERSION, pack, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Keeper", "main"]

_LOG_BYTES = 64 * 1024
_NOT_EXECUTED = 127
_MOST_LOOKED_AT = 256
_SPARE_FDS = 16


class Keeper:
    """The table of runs and what the daemon may ask for."""

    def __init__(self, socket_path: str, holder_path: str, log: str) -> None:
        self._log_path = log
        self._socket_path = socket_path
        self._runs: dict[bytes, Run] = {}
        self._links: list[Link] = []
        self._poll = Poll()
        self._streams = Streams(self._poll, self._grown)
        self._verbs: dict[bytes, Callable[[Link, bytes, list[bytes]], list[bytes] | None]] = {
            b"hello": self._hello,
            b"list": self._list,
            b"start": self._start,
            b"adopt": self._adopt,
            b"signal": self._signal,
            b"resize": self._resize,
            b"blocked": self._blocked,
            b"drain": self._drain,
            b"release": self._release,
        }
        self._running = True
        self._listener = Listener(socket_path)
        self._poll.add(self._listener.fd, self._accept)
        self._wakeup, wakeup_write = pipe()
        signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(number, lambda *_: None)
        self._poll.add(self._wakeup, self._look)
        self._holding = Holding(holder_path, self._poll, self.log, self._runs)

    def loop(self) -> None:
        """Serve until nothing is left to keep."""
        while self._running:
            for handler, ready in self._poll.wait():
                try:
                    handler(ready)
                except Exception as error:
                    # Whatever goes wrong with one run or link must not end the parent of all the others.
                    self.log(f"{type(error).__name__}: {error} in {place(error)}")

    def close(self) -> None:
        """Remove our socket."""
        self._listener.remove()

    def log(self, text: str) -> None:
        """One line to the keeper's log, which is emptied when it is too long."""
        try:
            fd = os.open(self._log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            if os.fstat(fd).st_size > _LOG_BYTES:
                os.ftruncate(fd, 0)
            try:
                os.write(fd, text.encode("utf-8", "backslashreplace") + b"\n")
            finally:
                os.close(fd)
        except OSError:
            pass

    # --- links -----------------------------------------------------------------------------------------------------

    def attach(self, link: Link) -> None:
        """Serve a connection."""
        self._links.append(link)
        self._poll.add(link.fd, lambda ready: self._serve(link, ready))

    def _accept(self, ready: int) -> None:
        link = self._listener.accept()
        if link is not None:
            self.attach(link)
        else:
            self._poll.rest(self._listener.fd, STARVED_SECONDS)  # no descriptor is free, and it stays readable

    def _listen_again(self) -> None:
        """Somebody deleted our socket's file; a daemon that cannot find us asks for another one."""
        listener = Listener(self._socket_path + "+")
        # Renamed into place: a daemon that connects just now finds the old one or the new one, never none.
        listener.rename(self._socket_path)
        while (link := self._listener.accept()) is not None:
            self.attach(link)  # who connected to the old one before
        self._poll.remove(self._listener.fd)
        self._listener.close()
        self._listener = listener
        self._poll.add(listener.fd, self._accept)

    def _serve(self, link: Link, ready: int) -> None:
        if ready & select.POLLOUT:
            link.flush()
        if ready & ~select.POLLOUT:
            for message in list(link.receive()):
                if link.fd < 0:
                    return  # a newer daemon has said hello: what the old one still had to say is not done any more
                self._answer(link, message)
        self._after(link)

    def _after(self, link: Link) -> None:
        if link.closed:
            self._drop(link)
        else:
            self._poll.change(link.fd, writing=link.waiting)

    def _drop(self, link: Link) -> None:
        if link in self._links:
            self._links.remove(link)
            self._poll.remove(link.fd)
        link.close()
        if not self._links and not self._runs:
            self._running = False

    def _send(self, link: Link, *fields: bytes) -> None:
        link.send(*fields)
        self._after(link)

    def _tell(self, *fields: bytes) -> None:
        for link in list(self._links):
            self._send(link, *fields)

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
            self._send(link, b"failed", message[1], what, b"%d" % (error.errno or 0), str(error).encode())
            return
        except (KeyError, IndexError, ValueError, OverflowError) as error:
            # A daemon of another version asks for what we do not know: it must not wait for an answer for ever.
            self._send(link, b"failed", message[1], b"keeper", b"%d" % errno.EINVAL, repr(error).encode())
            return
        if answer is not None:
            self._send(link, b"ok", message[1], *answer)

    # --- what the daemon asks for -------------------------------------------------------------------------------------

    def _hello(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        # Requests that a dead daemon left in its socket must not start anything that its successor has not heard of.
        for other in list(self._links):
            if other is not link:
                self._drop(other)
        return [b"%d" % VERSION, b"%d" % os.getpid()]

    def _list(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        return [pack(run.describe()) for run in self._runs.values()]

    def _start(self, link: Link, ask: bytes, fields: list[bytes]) -> None:
        run_id, directory, cwd, argv, environment, umask, limits, ignored, keep, size = fields
        if run_id in self._runs:
            raise FileExistsError(errno.EEXIST, "the run is there already")
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if len(os.listdir("/dev/fd")) + min(_SPARE_FDS, limit // 4) > limit:
            raise OSError(errno.EMFILE, "too many descriptors are in use")
        pairs = unpack(environment)
        order = Order(
            directory,
            cwd,
            unpack(argv),
            dict(zip(pairs[::2], pairs[1::2], strict=True)),
            int(umask),
            limits_of(unpack(limits)),
            [int(number) for number in unpack(ignored)],
        )
        run, order.terminal = self._prepare(run_id, directory, int(keep), unpack(size))
        try:
            child = spawn(order, lambda pid, start: write_record(directory, b"spawned", b"%d %s\n" % (pid, start)))
        except OSError:
            self._holding.let_go(run_id)
            run.close()
            raise
        finally:
            if order.terminal >= 0:
                os.close(order.terminal)  # as long as we have it open as well, nobody hears that the others are gone
        run.pid, run.start, run.report = child.pid, child.start, child.report
        self._runs[run_id] = run
        self._poll.add(run.report, lambda ready: self._reported(link, ask, run))
        self._streams.add(run)

    def _prepare(self, run_id: bytes, directory: bytes, keep: int, size: list[bytes]) -> tuple[Run, int]:
        """A run with its FIFOs, or with a terminal of that size, whose slave comes as well."""
        for name in FIFOS[:2] if size else FIFOS:
            make_fifo(os.path.join(directory, name))
        if not size:
            run, slave = Run(run_id, directory, keep), -1
        else:
            master, slave = open_terminal(int(size[0]), int(size[1]))
            try:
                run = Run(run_id, directory, keep, master)
            except OSError:
                os.close(master)
                os.close(slave)
                raise
        self._holding.hold(run)
        return run, slave

    def _reported(self, link: Link, ask: bytes, run: Run) -> None:
        self._poll.remove(run.report)
        failure = os.read(run.report, 4096)
        os.close(run.report)
        run.report = -1
        # Who asked may be dead; its successor has the run in its list as starting.
        if failure:
            stage, number, detail = failure.split(b" ", 2)
            os.waitpid(run.pid, 0)
            unlink(os.path.join(run.directory, b"spawned"))
            if link.fd >= 0:
                self._send(link, b"failed", ask, stage, number, detail)
            else:
                self._tell(b"exited", run.run_id, b"exit %d %d" % (_NOT_EXECUTED, time.time_ns()))
            self._forget(run)
        else:
            if link.fd >= 0:
                self._send(link, b"ok", ask, b"%d" % run.pid, run.start)
            else:
                self._tell(b"started", run.run_id)
            self._look_at(run)

    def _adopt(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        run_id, directory, keep, kind = fields
        if run_id not in self._runs:
            self._runs[run_id] = run = self._take_over(run_id, directory, int(keep), kind)
            self._holding.hold(run)
            self._streams.add(run)
        return []

    def _take_over(self, run_id: bytes, directory: bytes, keep: int, kind: bytes) -> Run:
        if kind != b"terminal":
            for name in FIFOS[1:]:
                make_fifo(os.path.join(directory, name))
            return Run(run_id, directory, keep)
        for name in FIFOS[:2]:
            make_fifo(os.path.join(directory, name))
        master, *others = self._holding.take(run_id) or [-1]
        try:
            run = Run(run_id, directory, keep, master)
        except OSError:
            others.append(master)
            raise
        finally:
            for fd in others:
                if fd >= 0:
                    os.close(fd)
        return run

    def _signal(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        run = self._runs.get(fields[0])
        if run is None or not run.is_child:
            return [b"gone"]
        try:
            (os.killpg if fields[2] == b"group" else os.kill)(run.pid, int(fields[1]))
        except (ProcessLookupError, PermissionError):
            return [b"gone"]  # or nobody in it may be signalled by us (sudo)
        return [b"sent"]

    def _drain(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        run = self._runs.get(fields[0])
        if run is not None:
            run.drain_present()
            run.marks.flush()
            self._grown(run)
        return []

    def _resize(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        run = self._runs.get(fields[0])
        if run is None or run.master < 0:
            return [b"none"]
        set_size(run.master, int(fields[1]), int(fields[2]))
        return [b"resized"]

    def _blocked(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        return [_blocked(int(pid)) for pid in fields[:_MOST_LOOKED_AT]]

    def _watch(self, fields: list[bytes]) -> None:
        run = self._runs.get(fields[0])
        if run is not None:
            run.watch = (int(fields[1]), int(fields[2]))
            self._grown(run)

    def _release(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        run = self._runs.get(fields[0])
        if run is not None:
            run.look()
            run.drain_present()
            self._forget(run)
            for name in FIFOS:
                unlink(os.path.join(run.directory, name))
        self._holding.let_go(fields[0])  # also one that only a former keeper knew
        return []

    # --- children -----------------------------------------------------------------------------------------------------

    def _grown(self, run: Run) -> None:
        if run.grew:
            run.watch = None
            self._tell(b"grew", run.run_id)
        if run.rolled():
            self._tell(b"rolled", run.run_id)
        self._tell_lost(run)

    def _tell_lost(self, run: Run, *, at_last: bool = False) -> None:
        lost = run.lost(at_last=at_last)
        if lost:
            self._tell(b"lost", run.run_id, b"%d" % lost)

    def _look(self, ready: int) -> None:
        try:
            signals = os.read(self._wakeup, 4096)
        except BlockingIOError:
            signals = b""
        if signal.SIGUSR1 in signals:
            self._listen_again()
        for run in list(self._runs.values()):
            if run.report < 0:
                self._look_at(run)

    def _look_at(self, run: Run) -> None:
        if run.look():
            self._grown(run)
            self._tell_lost(run, at_last=True)
            self._tell(b"exited", run.run_id, run.outcome)

    def _forget(self, run: Run) -> None:
        run.reap()
        self._streams.remove(run)
        run.close()
        del self._runs[run.run_id]
        self._holding.let_go(run.run_id)
        if not self._links and not self._runs:
            self._running = False


def _blocked(pid: int) -> bytes:
    try:
        return pack(blocked_calls(pid))
    except PermissionError:
        return b""


def main(arguments: list[str]) -> int:
    """Run as ``--fd N SOCKET HOLDER LOCK LOG``; exit code 3 says that another keeper lives."""
    _, fd, socket_path, holder_path, lock_path, log_path = arguments
    # Whatever else whoever started us had open would be inherited by every child.
    close_all_but(int(fd))
    if not lock(lock_path):
        return 3
    try:
        os.setsid()
    except PermissionError:
        pass  # it leads its session already
    os.umask(0o077)
    os.chdir("/")
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR2):
        # What is meant for the daemon or for a terminal's foreground must not end the parent of all children.
        signal.signal(number, signal.SIG_IGN)
    keeper = Keeper(socket_path, holder_path, log_path)
    keeper.attach(Link(int(fd)))
    try:
        keeper.loop()
    except BaseException as error:
        keeper.log(f"ended by {type(error).__name__}: {error}")
        raise
    keeper.close()
    return 0
