"""The keeper's loop: one thread, one poll. It sleeps until a child writes or ends or the daemon asks."""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
import time

from .capture import WIDE
from .holding import Holding
from .link import Link, Listener, close_all_but
from .poll import Poll
from .run import FIFOS, Run, write_record
from .spawn import Order, spawn
from .system import limits_of, lock, make_fifo, pipe, place, unlink
from .wire import VERSION, pack, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Keeper", "main"]

_HOT_RUNS = 200
_LOG_BYTES = 64 * 1024
_NOT_EXECUTED = 127
_SPARE_FDS = 16
_STARVED_SECONDS = 0.05

# A stream that is read again within 1.5 ms rests for 1 ms, unless the other one grew in the last 10 ms: their order
# is told by which was read first. Measured with a line a write: a fifth of the keeper's time, and twice the speed.
_QUICK = 0.0015
_REST = 0.001
_ALONE = 0.01


class Keeper:
    """The table of runs and what the daemon may ask for."""

    def __init__(self, socket_path: str, holder_path: str, log: str) -> None:
        self._log_path = log
        self._socket_path = socket_path
        self._runs: dict[bytes, Run] = {}
        self._hot: dict[bytes, None] = {}
        self._links: list[Link] = []
        self._poll = Poll()
        self._verbs: dict[bytes, Callable[[Link, bytes, list[bytes]], list[bytes] | None]] = {
            b"hello": self._hello,
            b"list": self._list,
            b"start": self._start,
            b"adopt": self._adopt,
            b"signal": self._signal,
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
            self._poll.rest(self._listener.fd, _STARVED_SECONDS)  # no descriptor is free, and it stays readable

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
            self._send(link, b"failed", message[1], b"keeper", b"%d" % (error.errno or 0), str(error).encode())
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
        run_id, directory, cwd, argv, environment, umask, limits, ignored = fields
        if run_id in self._runs:
            raise FileExistsError(errno.EEXIST, "the run is there already")
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if len(os.listdir("/dev/fd")) + min(_SPARE_FDS, limit // 4) > limit:
            raise OSError(errno.EMFILE, "too many descriptors are in use")
        for name in FIFOS:
            make_fifo(os.path.join(directory, name))
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
        run = Run(run_id, directory)
        self._holding.hold(run)
        try:
            child = spawn(order, lambda pid, start: write_record(directory, b"spawned", b"%d %s\n" % (pid, start)))
        except OSError:
            self._holding.let_go(run_id)
            run.close()
            raise
        run.pid, run.start, run.report = child.pid, child.start, child.report
        self._runs[run_id] = run
        self._poll.add(run.report, lambda ready: self._reported(link, ask, run))
        self._capture(run)

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
        run_id, directory = fields
        if run_id not in self._runs:
            run = self._runs[run_id] = Run(run_id, directory)
            self._holding.hold(run)
            self._capture(run)
        return []

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

    def _capture(self, run: Run) -> None:
        for index, capture in enumerate(run.captures):
            self._poll.add(capture.fd, lambda ready, index=index: self._readable(run, index, ready))  # type: ignore[misc]

    def _readable(self, run: Run, index: int, ready: int) -> None:
        self._heat(run)
        self._drain_other(run, 1 - index)
        moved = run.drain(index)
        if run.captures[index].starved:
            # Every descriptor is in use: make some free, and let the child wait a moment rather than lose its output.
            for cold in list(self._hot):
                self._cool(cold)
            self._poll.rest(run.captures[index].fd, _STARVED_SECONDS)
        elif moved < 0 and run.report < 0:
            # No writer is left: poll would report that for ever. (While it starts, the child has yet to open it.)
            self._poll.remove(run.captures[index].fd)
        elif moved > 0:
            self._pace(run, index, moved)
        self._grown(run)

    def _drain_other(self, run: Run, other: int) -> None:
        # What rests was written before what is read now: the other way round the two streams would change places.
        if self._poll.is_resting(run.captures[other].fd):
            run.drain(other)

    def _pace(self, run: Run, index: int, moved: int) -> None:
        now = time.monotonic()
        if moved >= WIDE // 2:
            run.captures[index].widen()
        if moved < WIDE and now - run.drained[index] < _QUICK and now - run.drained[1 - index] > _ALONE:
            self._poll.rest(run.captures[index].fd, _REST)
        run.drained[index] = now

    def _heat(self, run: Run) -> None:
        # A thousand quiet runs must not hold three thousand descriptors for files that nobody writes.
        self._hot.pop(run.run_id, None)
        self._hot[run.run_id] = None
        if len(self._hot) > _HOT_RUNS:
            self._cool(next(iter(self._hot)))

    def _cool(self, run_id: bytes) -> None:
        del self._hot[run_id]
        if run_id in self._runs:
            self._runs[run_id].cool()

    def _grown(self, run: Run) -> None:
        if run.grew:
            run.watch = None
            self._tell(b"grew", run.run_id)

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
            self._tell(b"exited", run.run_id, run.outcome)

    def _forget(self, run: Run) -> None:
        run.reap()
        for capture in run.captures:
            self._poll.remove(capture.fd)
        run.cool()
        run.close()
        self._hot.pop(run.run_id, None)
        del self._runs[run.run_id]
        self._holding.let_go(run.run_id)
        if not self._links and not self._runs:
            self._running = False


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
