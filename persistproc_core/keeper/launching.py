"""How a run comes into the keeper's table: started, or taken over from a keeper that died."""

from __future__ import annotations

import errno
import os
import resource
import time

from .names import Lent, has_fifo
from .run import FIFOS, Run, write_record
from .spawn import Order, spawn
from .system import is_late, limits_of, make_fifo, unlink
from .terminal import open_terminal
from .wire import unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .link import Link
    from .program import Keeper

__all__ = ["Launching"]

_NOT_EXECUTED = 127
_SPARE_FDS = 16


class Launching:
    """Starts and takes over runs for one keeper."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def start(self, link: Link, ask: bytes, fields: list[bytes]) -> None:
        """``start``: it is answered when exec has succeeded or failed."""
        run_id, directory, cwd, argv, environment, umask, limits, ignored, keep, size, *last = fields
        if run_id in self._keeper.runs:
            raise FileExistsError(errno.EEXIST, "the run is there already")
        if is_late(last):
            # Who asked has given up by now, and would not know of the run.
            raise TimeoutError(errno.ETIMEDOUT, "the keeper was stopped for too long")
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
        run.asker = link, ask
        try:
            child = spawn(order, lambda pid, start: self._record(run, pid, start))
        except OSError:
            self._keeper.holding.let_go(run_id)
            run.close()
            raise
        finally:
            if order.terminal >= 0:
                os.close(order.terminal)  # as long as we have it open as well, nobody hears that the others are gone
        run.pid, run.start, run.report = child.pid, child.start, child.report
        self._keeper.add(run)

    def _record(self, run: Run, pid: int, start: bytes) -> None:
        run.note = b"%d %s\n" % (pid, start)
        write_record(run.directory, b"spawned", run.note)

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
        self._keeper.holding.hold(run)
        return run, slave

    def reported(self, run: Run) -> None:
        """The child has come to exec, or said what failed."""
        failure = os.read(run.report, 4096)
        os.close(run.report)
        run.report = -1
        asker, run.asker = run.asker, None
        # Who asked may be dead; its successor has the run in its list as starting.
        link, ask = asker if asker is not None and asker[0].fd >= 0 else (None, b"")
        links = self._keeper.links
        if failure:
            stage, number, detail = failure.split(b" ", 2)
            os.waitpid(run.pid, 0)
            unlink(os.path.join(run.directory, b"spawned"))
            if link is not None:
                links.send(link, b"failed", ask, stage, number, detail)
            else:
                links.tell(b"exited", run.run_id, b"exit %d %d" % (_NOT_EXECUTED, time.time_ns()))
            self._keeper.forget(run)
        else:
            if link is not None:
                links.send(link, b"ok", ask, b"%d" % run.pid, run.start)
            else:
                links.tell(b"started", run.run_id)
            self._keeper.look_at(run)

    def adopt(self, link: Link, ask: bytes, fields: list[bytes]) -> list[bytes]:
        """``adopt``: the run's FIFOs, or its terminal, are drained from now on."""
        run_id, directory, keep, kind, *pid = fields
        if run_id in self._keeper.runs:
            self._keeper.look_again(self._keeper.runs[run_id])
        else:
            run = self._take_over(run_id, directory, int(keep), kind == b"terminal", int(pid[0] if pid else 0))
            run.note = _noted(directory)
            self._keeper.holding.hold(run)
            self._keeper.add(run)
        return []

    def _take_over(self, run_id: bytes, directory: bytes, keep: int, terminal: bool, pid: int) -> Run:
        names = FIFOS[:2] if terminal else FIFOS[1:]
        missing = [name for name in names if not has_fifo(os.path.join(directory, name))]
        held = self._keeper.holding.take(run_id) if terminal or missing else []
        master, *fifos = (held or [-1]) if terminal else (-1, *held)
        # In the order in which `Run.fds` names them.
        known = dict(zip((b"stdout", b"stdin") if terminal else (b"stdout", b"stderr"), fifos, strict=False))
        try:
            with Lent(directory, missing, known, pid):
                for name in names:
                    make_fifo(os.path.join(directory, name))
                return Run(run_id, directory, keep, master if terminal else None)
        except OSError:
            fifos.append(master)
            raise
        finally:
            for fd in fifos:
                if fd >= 0:
                    os.close(fd)


def _noted(directory: bytes) -> bytes:
    try:
        with open(os.path.join(directory, b"spawned"), "rb") as file:
            return file.read(64)
    except OSError:
        return b""
