"""The keeper as the daemon sees it: connected to, started when there is none, replaced at once when it dies."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import anyio
import anyio.to_thread

from ..keeper import wire
from ..keeper.segments import DEFAULT_KEEP_BYTES
from ..keeper.wire import VERSION, pack, unpack
from ..paths import Home
from .keeper_link import KeeperLink, KeeperLost, KeeperRefused
from .kernel.identity import command_line
from .log import Log
from .model import Outcome, Run

__all__ = ["Keeper", "KeptRun"]

_PROGRAM = os.path.join(os.path.dirname(wire.__file__), "__main__.py")
_ANSWER_SECONDS = 10.0
_ASKED_AT_ONCE = 256
_FIRST_DELAY = 0.01
_LONGEST_DELAY = 5.0


class KeptRun(NamedTuple):
    """A run in the keeper's table."""

    run_id: str
    pid: int
    start: int | None
    outcome: Outcome | None
    starting: bool


class Keeper:
    """Owns the link. `run` keeps it alive; requests wait until there is one."""

    def __init__(
        self,
        home: Home,
        log: Log,
        *,
        on_connected: Callable[[list[KeptRun]], Awaitable[None]],
        on_started: Callable[[str], None],
        on_exited: Callable[[str, Outcome], None],
        on_grew: Callable[[str], None],
        on_rolled: Callable[[str], None] = lambda run_id: None,
        on_lost: Callable[[str, int], None] = lambda run_id, lost: None,
    ) -> None:
        """``on_rolled(run_id)``: the run has begun another segment; once for 4 MiB at most.

        ``on_lost(run_id, bytes)``: a full disk has cost output, old or new; at its beginning, then once a minute at
        most, and at the end.
        """
        self._home = home
        self._log = log
        self._on_connected = on_connected
        self._on_started = on_started
        self._on_exited = on_exited
        self._on_grew = on_grew
        self._on_rolled = on_rolled
        self._on_lost = on_lost
        self._link: KeeperLink | None = None
        self._ready = anyio.Event()
        self._children: list[int] = []
        self.pid: int | None = None

    async def run(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Hold a link for ever. Started: when the runs of the first keeper are known."""
        delay = _FIRST_DELAY
        started = False
        while True:
            link = await self._open()
            if link is not None:
                try:
                    async with anyio.create_task_group() as group:
                        group.start_soon(self._serve, link, group.cancel_scope)
                        if await self._greet(link):
                            delay = _FIRST_DELAY
                            if not started:
                                started = True
                                task_status.started()
                        else:
                            group.cancel_scope.cancel()
                finally:
                    # An open link would keep a keeper without runs alive.
                    link.close()
            # A keeper that dies as soon as it lives must not make the daemon spin.
            await anyio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)

    async def _serve(self, link: KeeperLink, scope: anyio.CancelScope) -> None:
        try:
            await link.serve()
        except Exception as error:
            # What a keeper says must not end the daemon; one that makes no sense is as good as gone.
            self._log.exception("keeper.unintelligible", error)
        finally:
            self._lose()
            scope.cancel()

    async def _greet(self, link: KeeperLink) -> bool:
        try:
            with anyio.fail_after(_ANSWER_SECONDS):
                version, pid = await link.request(b"hello", b"%d" % VERSION)
                kept = [_kept(unpack(fields)) for fields in await link.request(b"list")]
            self.pid = int(pid)
            self._link = link
            self._log.info("keeper.connected", pid=self.pid, runs=len(kept), wire=version.decode())
            await self._on_connected(kept)
        except (KeeperLost, KeeperRefused, TimeoutError, ValueError) as error:
            self._log.warning("keeper.silent", error=f"{type(error).__name__} {error}")
            return False
        self._ready.set()
        return True

    def _lose(self) -> None:
        if self._link is not None:
            self._log.warning("keeper.lost", pid=self.pid)
            self._link = None
            self.pid = None
        if self._ready.is_set():
            self._ready = anyio.Event()

    async def _open(self) -> KeeperLink | None:
        try:
            return KeeperLink(await anyio.to_thread.run_sync(self._connect_or_start), self._event)
        except OSError as error:
            self._log.warning("keeper.unavailable", error=str(error))
            return None

    def _connect_or_start(self) -> socket.socket:
        self._children = [pid for pid in self._children if not _is_reaped(pid)]
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(_ANSWER_SECONDS)
            connection.connect(self._home.keeper_socket)
            return connection
        except OSError:
            connection.close()
        self._wake_hidden()
        ours, theirs = socket.socketpair()
        with theirs:
            self._children.append(self._spawn(theirs.fileno()))
        return ours

    def _wake_hidden(self) -> None:
        """Have a keeper that lives, but whose socket's file was deleted, make another one."""
        path = os.path.join(self._home.keeper, "lock")
        try:
            with open(path, "rb") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return  # nobody holds it
                except BlockingIOError:
                    pid = int(lock.read(20) or b"0")
        except (OSError, ValueError):
            return
        if self._home.keeper_socket in command_line(pid).split(" "):
            self._log.warning("keeper.hidden", pid=pid)
            os.kill(pid, signal.SIGUSR1)

    def _spawn(self, link: int) -> int:
        # Not posix_spawn: the C library leaves two of its own signals ignored in what it starts so, for ever.
        keeper = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", _PROGRAM, "--fd", str(link)),
                self._home.keeper_socket,
                self._home.holder_socket,
                os.path.join(self._home.keeper, "lock"),
                os.path.join(self._home.keeper, "keeper.log"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            pass_fds=[link],
            start_new_session=True,
        )
        # It is meant to outlive us; its object would warn of that when it is collected.
        keeper.returncode = 0
        return keeper.pid

    def _event(self, message: list[bytes]) -> None:
        if message[0] == b"exited":
            self._on_exited(message[1].decode(), Outcome.parse(message[2]))
        elif message[0] == b"started":
            self._on_started(message[1].decode())
        elif message[0] == b"grew":
            self._on_grew(message[1].decode())
        elif message[0] == b"rolled":
            self._on_rolled(message[1].decode())
        elif message[0] == b"lost":
            self._on_lost(message[1].decode(), int(message[2]))

    # --- requests -----------------------------------------------------------------------------------------------------

    async def _connected(self) -> KeeperLink:
        while self._link is None:
            await self._ready.wait()
        return self._link

    async def start(
        self, run: Run, environment: dict[str, str], umask: int, keep_bytes: int | None = None
    ) -> tuple[int, int | None]:
        """Start the run's command; pid and start time. ``keep_bytes``: of each stream.

        Raises `KeeperRefused`, or `KeeperLost`: it may or may not run.
        """
        link = await self._connected()
        size = (run.settings.rows, run.settings.columns) if run.settings.tty else ()
        limits = [field for name, soft, hard in run.settings.limits for field in (name, str(soft), str(hard))]
        pid, start = await link.request(
            b"start",
            run.run_id.encode(),
            _bytes(run.directory),
            _bytes(run.working_directory),
            pack(map(_bytes, run.command.argv)),
            pack(_bytes(text) for pair in environment.items() for text in pair),
            b"%d" % umask,
            pack(field.encode() for field in limits),
            pack(b"%d" % number for number in run.settings.ignored_signals),
            _kept_bytes(run, keep_bytes),
            pack(b"%d" % number for number in size),
        )
        return int(pid), int(start) if start else None

    async def runs(self) -> list[KeptRun]:
        """What the keeper holds."""
        return [_kept(unpack(fields)) for fields in await self._ask(b"list")]

    async def adopt(self, run: Run, keep_bytes: int | None = None) -> None:
        """Drain a run that is not the keeper's child: its parent died, or somebody else started it."""
        kind = b"terminal" if run.settings.tty else b""
        await self._ask(b"adopt", run.run_id.encode(), _bytes(run.directory), _kept_bytes(run, keep_bytes), kind)

    async def signal(self, run: Run, signum: int, to: str) -> bool:
        """Signal the group or the leader; false when it is not the keeper's (any more)."""
        return await self._ask(b"signal", run.run_id.encode(), b"%d" % signum, to.encode()) == [b"sent"]

    async def resize(self, run: Run, rows: int, columns: int) -> bool:
        """Set the size of the run's terminal; false when it has none (any more)."""
        return await self._ask(b"resize", run.run_id.encode(), b"%d" % rows, b"%d" % columns) == [b"resized"]

    async def blocked_calls(self, pids: list[int]) -> dict[int, list[bytes]]:
        """What the threads of these processes are blocked on, to read it (`persistproc_core.keeper.blocked`).

        The keeper is the ancestor of its children, so it may look where the daemon may not.
        """
        found: dict[int, list[bytes]] = {}
        for first in range(0, len(pids), _ASKED_AT_ONCE):
            some = pids[first : first + _ASKED_AT_ONCE]
            answer = await self._ask(b"blocked", *(b"%d" % pid for pid in some))
            found.update(zip(some, map(unpack, answer), strict=True))
        return found

    async def drain(self, run: Run) -> None:
        """Have all in the log that was written until now."""
        await self._ask(b"drain", run.run_id.encode())

    async def release(self, run_id: str) -> None:
        """Nothing of the run is left: reap it, close it, forget it."""
        await self._ask(b"release", run_id.encode())

    async def watch(self, run: Run, stdout: int, stderr: int) -> None:
        """Ask for one `on_grew` when the run's log is longer than this."""
        try:
            await (await self._connected()).watch(run.run_id, stdout, stderr)
        except KeeperLost:
            pass  # whoever waits is woken when the next keeper is there

    async def _ask(self, verb: bytes, *fields: bytes) -> list[bytes]:
        """A request that may be repeated: the next keeper answers it when this one dies."""
        while True:
            link = await self._connected()
            try:
                return await link.request(verb, *fields)
            except KeeperLost:
                if self._link is link:
                    self._lose()


def _bytes(text: str) -> bytes:
    # Not os.fsencode: callers speak UTF-8 on the wire, whatever the locale that the daemon was born with.
    return text.encode("utf-8", "surrogateescape")


def _kept_bytes(run: Run, keep_bytes: int | None) -> bytes:
    return b"%d" % (keep_bytes or run.settings.keep_bytes or DEFAULT_KEEP_BYTES)


def _is_reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _kept(fields: list[bytes]) -> KeptRun:
    run_id, pid, start, outcome, phase = fields
    return KeptRun(
        run_id.decode(),
        int(pid),
        int(start) if start else None,
        Outcome.parse(outcome) if outcome else None,
        phase == b"starting",
    )
