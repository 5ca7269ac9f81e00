"""The keeper becomes another program: in place, with execve(2), so that its children stay its children.

First the new program must show that it can: a forked child executes it with ``--check`` and a copy of the table. There
each descriptor is a stand-in, so the new program may go all the way to where it would serve, and touches nothing. It
has a few seconds; the keeper serves meanwhile. Then the keeper executes the same program in its own process, where the
descriptors are the real ones. Signals are held back by the mask, which execve(2) keeps like what is pending, and an
alarm ends a program that hangs: for the daemon that is as if the keeper had been killed. A program that fails is still
the one that decides: it executes the former one (``__main__``).
"""

from __future__ import annotations

import _socket
import errno
import os
import signal
import sys

from .state import descriptors, dump_state
from .table import write_table
from .wire import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .link import Link
    from .program import Keeper

__all__ = ["HELD_BACK", "Upgrade", "answer", "answer_check"]

HELD_BACK = (signal.SIGCHLD, signal.SIGUSR1)
"""Signals that must not come while nobody is there to take them: the default action of one would end us."""

_CHECK_SECONDS = 10
_TAKE_OVER_SECONDS = 15
_CHECKING = b"\0upgrade"
_MOST_SAID = 2000


class Upgrade:
    """The upgrade that is under way, if one is."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._asker: tuple[Link, bytes] | None = None
        self._program = "", ""
        self._child = 0
        self._report = -1
        self._said = b""

    def ask(self, link: Link, ask: bytes, fields: list[bytes]) -> None:
        """``upgrade``: it is answered by the program that serves in the end."""
        interpreter, program = map(os.fsdecode, fields[:2])
        if self._asker is not None:
            raise OSError(errno.EBUSY, "an upgrade is under way")
        if not os.path.isabs(interpreter) or not os.path.isabs(program):
            raise OSError(errno.EINVAL, "the paths of interpreter and program must be absolute")
        self._child, self._report = self._rehearse(interpreter, program)
        self._asker, self._program, self._said = (link, ask), (interpreter, program), b""
        self._keeper.poll.add(self._report, self._read)
        self._keeper.poll.later(_CHECKING, _CHECK_SECONDS, self._too_late)

    # --- the check ----------------------------------------------------------------------------------------------------

    def _rehearse(self, interpreter: str, program: str) -> tuple[int, int]:
        """Execute the program with stand-ins; returns the child and the pipe that it speaks to. Raises `OSError`."""
        keeper = self._keeper
        table = write_table(keeper.home.folder, -1, _own_program(), dump_state(keeper, None))
        read, write = os.pipe()
        try:
            child = os.fork()
            if child == 0:
                _become_checker(keeper, interpreter, program, table, write)
        except OSError:
            os.close(read)
            raise
        finally:
            os.close(table)
            os.close(write)
        os.set_blocking(read, False)
        return child, read

    def _read(self, ready: int) -> None:
        try:
            data = os.read(self._report, 4096)
        except BlockingIOError:
            return
        self._said = (self._said + data)[-_MOST_SAID:]
        if self._said.startswith(b"ok ") and self._said.endswith(b"\n"):
            self._passed()
        elif not data:
            self._refuse(_last_line(self._said) or "it ended without a word")

    def _too_late(self) -> None:
        self._refuse(f"it has not answered within {_CHECK_SECONDS} s")

    def _end_check(self) -> tuple[Link, bytes] | None:
        keeper = self._keeper
        keeper.poll.remove(self._report)
        keeper.poll.forget(_CHECKING)
        os.close(self._report)
        self._report = -1
        # Whatever it is still doing; nobody needs its exit code.
        os.kill(self._child, signal.SIGKILL)
        keeper.spend(self._child)
        asker, self._asker = self._asker, None
        return asker

    def _refuse(self, why: str) -> None:
        self._tell(self._end_check(), errno.ENOEXEC, why)

    def _tell(self, asker: tuple[Link, bytes] | None, number: int, why: str) -> None:
        self._keeper.home.log(f"not upgraded to {self._program[1]}: {why}")
        if asker is not None:
            self._keeper.links.send(asker[0], b"failed", asker[1], b"upgrade", b"%d" % number, os.fsencode(why))

    # --- the exec -----------------------------------------------------------------------------------------------------

    def _passed(self) -> None:
        asker = self._end_check()
        if asker is None or asker[0].fd < 0:
            self._keeper.home.log(f"not upgraded to {self._program[1]}: who asked for it has gone")
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
        try:
            self._execute(asker)
        except Exception as error:
            self._tell(asker, getattr(error, "errno", None) or errno.EINVAL, f"{type(error).__name__}: {error}")
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)

    def _execute(self, asker: tuple[Link, bytes]) -> None:
        """Does not return, but raises when the system refuses, with everything as it was."""
        keeper = self._keeper
        interpreter, program = self._program
        keeper.take_signals()
        keeper.settle()
        table = write_table(keeper.home.folder, keeper.image, _own_program(), dump_state(keeper, asker))
        inherited = [fd for fd in (*descriptors(keeper), keeper.image, table) if fd >= 0]
        try:
            for fd in inherited:
                os.set_inheritable(fd, True)
            signal.alarm(_TAKE_OVER_SECONDS)
            os.execv(interpreter, _command(interpreter, program, "--table", table, keeper.home.words))
        finally:
            signal.alarm(0)
            for fd in inherited:
                os.set_inheritable(fd, False)
            os.close(table)


def _become_checker(keeper: Keeper, interpreter: str, program: str, table: int, report: int) -> None:
    """The rest of the child's life before exec. Never returns."""
    try:
        signal.set_wakeup_fd(-1)
        # A keeper that is killed meanwhile must not leave us behind (execve(2) keeps an alarm).
        signal.alarm(_CHECK_SECONDS + 1)
        os.dup2(report, 1)
        os.dup2(report, 2)
        stand_in, other = _socket.socketpair()
        for fd in descriptors(keeper):
            os.dup2(stand_in.fileno(), fd)
        for fd in (table, other.fileno()):
            os.set_inheritable(fd, True)
        os.execv(interpreter, _command(interpreter, program, "--check", table, keeper.home.words))
    except BaseException as error:
        os.write(report, f"{type(error).__name__}: {error}\n".encode("utf-8", "backslashreplace"))
    finally:
        os._exit(125)


def _command(interpreter: str, program: str, mode: str, table: int, paths: list[str]) -> list[str]:
    return [interpreter, "-I", "-S", program, mode, str(table), *paths]


def _own_program() -> tuple[str, str]:
    return sys.executable, os.path.abspath(sys.argv[0])


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


def answer_check() -> int:
    """Say that the check has succeeded."""
    os.write(1, b"ok %d\n" % VERSION)
    return 0


def answer(keeper: Keeper, asker: tuple[Link, bytes] | None, said: bytes) -> None:
    """Answer, as the program that serves now, who asked for the upgrade.

    ``said``: why another one could not take over; then we are the former one.
    """
    keeper.home.log(f"not upgraded: {said.decode('utf-8', 'replace')}" if said else f"upgraded to version {VERSION}")
    if asker is not None and said:
        keeper.links.send(asker[0], b"failed", asker[1], b"upgrade", b"%d" % errno.ENOEXEC, said)
    elif asker is not None:
        keeper.links.send(asker[0], b"ok", asker[1], b"%d" % VERSION)
