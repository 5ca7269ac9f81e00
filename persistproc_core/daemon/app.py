"""The daemon put together: one home, one lock, one keeper, one socket."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import socket
from collections.abc import Callable

import anyio
import anyio.to_thread

from .. import __version__
from ..paths import Home
from ..protocol import PROTOCOL_VERSION, DaemonStatus
from .answers.bookmarks import Bookmarks
from .answers.output import Output
from .capturing import Capturing
from .clock import now
from .control import Control
from .dispatch import Dispatcher
from .ending import Ender
from .events.journal import Journal
from .events.news import News
from .facts import Facts
from .keeper import Keeper
from .keeping.config import Configuration
from .keeping.pruning import Pruning
from .keeping.retention import Retention
from .kernel.peer import Peer
from .kernel.tables import Tables
from .kernel.usage import resident_bytes
from .lifecycle import Lifecycle
from .listener import Listener
from .log import Log
from .methods import Methods, hello
from .protection import Protecting
from .recovery import Recovery
from .registry import Registry
from .session import Session
from .store import Store
from .subscriptions.following import Following
from .subscriptions.sightings import Sightings
from .subscriptions.watchers import Watchers
from .supervisor import Supervisor
from .tasks import Tasks
from .waiting.prompts import Prompts
from .waiting.waiting import Waiting

__all__ = ["AlreadyRunning", "Daemon", "take_lock"]

_LAST_REPLIES_SECONDS = 1.0


class AlreadyRunning(Exception):
    """Another daemon holds the lock of this home."""


def take_lock(home: Home) -> int:
    """Hold the home's lock for life; the file is never unlinked, or two daemons could each hold one of that name.

    Raises `AlreadyRunning`.
    """
    fd = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise AlreadyRunning from None
    try:
        os.ftruncate(fd, 0)
        os.write(fd, b"%d\n" % os.getpid())
    except OSError:
        pass  # the disk is full; the number is for people
    return fd


class Daemon:
    """One life of the daemon. The lock is held by the caller."""

    def __init__(self, home: Home, *, umask: int, files: tuple[int, int]) -> None:
        """``umask`` and ``files`` (RLIMIT_NOFILE) are what children get whose caller does not say."""
        self._home = home
        self._umask = umask
        self._files = files
        self._hello = hello(secrets.token_hex(8))
        self._started_at = now()
        self._quit = anyio.Event()
        self._registry = Registry()
        self._listener: Listener | None = None
        self._journal: Journal | None = None

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until somebody asks for the end. ``ready()`` is called when connections are accepted."""
        log = Log(self._home.log)
        log.info("daemon.started", pid=os.getpid(), version=__version__, home=self._home.path)
        try:
            async with anyio.create_task_group() as group:
                await self._serve(group, log, ready)
                group.cancel_scope.cancel()
        except BaseException as error:
            if not isinstance(error, anyio.get_cancelled_exc_class()):
                log.exception("daemon.failed", error)
            raise
        finally:
            if self._listener is not None:
                self._listener.close()
            if self._journal is not None:
                self._journal.close()
            log.info("daemon.ended", pid=os.getpid())
            log.close()

    async def _serve(self, group: anyio.abc.TaskGroup, log: Log, ready: Callable[[], None]) -> None:
        disk = Store(self._home.runs)
        tasks = Tasks(group, log)
        lifecycle = Lifecycle(tasks, log, disk, self._registry)
        journal = lifecycle.journal = self._journal = Journal(self._home.events, log)
        configuration = lifecycle.configuration = Configuration(self._home.config, log)
        retention = lifecycle.retention = Retention(self._home.runs, log, self._registry, configuration, journal)
        recovery = Recovery(tasks, log, disk, self._registry, lifecycle)
        keeper = lifecycle.keeper = Keeper(
            self._home,
            log,
            on_connected=recovery.reconcile,
            on_started=lifecycle.on_started,
            on_exited=lifecycle.on_exited,
            on_grew=lifecycle.grew,
            on_rolled=retention.rolled,
            on_lost=retention.lost,
        )
        lifecycle.ender = Ender(keeper, Tables(lambda: [keeper.pid] if keeper.pid else []))
        bookmarks = Bookmarks(self._home.marks, self._registry, keeper, log)
        await journal.load()
        group.start_soon(journal.run)
        await configuration.refresh()
        following = Following(self._registry, journal, keeper, log)
        group.start_soon(Sightings(tasks, self._registry, journal, keeper).run)
        await recovery.load()
        await bookmarks.load()
        group.start_soon(retention.run)
        await group.start(keeper.run)
        methods = self._methods(group, tasks, lifecycle, disk, bookmarks, following)
        dispatcher = Dispatcher(methods.handlers(), log)

        async def handle(connection: socket.socket, peer: Peer) -> None:
            await Session(connection, peer, dispatcher, self._hello).serve()

        self._listener = Listener(self._home.socket, log)
        group.start_soon(self._listener.serve, group, handle)
        group.start_soon(self._obey_signals, log)
        ready()
        await self._quit.wait()

    def _methods(
        self,
        group: anyio.abc.TaskGroup,
        tasks: Tasks,
        lifecycle: Lifecycle,
        disk: Store,
        bookmarks: Bookmarks,
        following: Following,
    ) -> Methods:
        keeper, ender = lifecycle.keeper, lifecycle.ender
        protecting = Protecting(lifecycle)
        supervisor = Supervisor(self._registry, lifecycle, protecting, disk, self._umask, self._files)
        output = Output(keeper, bookmarks)
        prompts = Prompts(ender, keeper, output, lifecycle.journal)
        facts = Facts(ender, prompts)
        group.start_soon(Watchers(self._registry, lifecycle.journal, prompts, ender, tasks).run)

        def quit_soon() -> None:
            group.start_soon(self._quit_soon, following)

        return Methods(
            group=group,
            registry=self._registry,
            supervisor=supervisor,
            control=Control(self._registry, lifecycle),
            facts=facts,
            output=output,
            waiting=Waiting(facts, output, prompts, ender, self._registry, bookmarks),
            following=following,
            bookmarks=bookmarks,
            news=News(lifecycle.journal, self._registry),
            protecting=protecting,
            pruning=Pruning(self._registry, lifecycle),
            capturing=Capturing(self._registry, lifecycle, supervisor, disk),
            daemon_facts=lambda: self._status(lifecycle),
            quit_soon=quit_soon,
        )

    async def _quit_soon(self, following: Following) -> None:
        # The reply to shutdown_daemon is on its way through its session; the client closes when it has it.
        with anyio.move_on_after(_LAST_REPLIES_SECONDS):
            if self._listener is not None:
                await following.quit()
                await self._listener.wait_idle()
        self._quit.set()

    async def _obey_signals(self, log: Log) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for number in signals:
                # A clean end leaves the processes to the keeper, like every other end of the daemon.
                log.info("daemon.signalled", signal=signal.Signals(number).name)
                self._quit.set()

    async def _status(self, lifecycle: Lifecycle) -> DaemonStatus:
        configuration = lifecycle.configuration
        await configuration.refresh()
        keeper = lifecycle.keeper.pid
        resident = await anyio.to_thread.run_sync(resident_bytes, os.getpid())
        return {
            "pid": os.getpid(),
            "version": __version__,
            "protocol": PROTOCOL_VERSION,
            "instance": self._hello["instance"],
            "home": self._home.path,
            "socket": self._home.socket,
            "started_at": self._started_at,
            "keeper_pid": keeper,
            "processes": len(self._registry),
            "running": sum(process.live for process in self._registry),
            "memory_bytes": resident or 0,
            "keeper_memory_bytes": await anyio.to_thread.run_sync(resident_bytes, keeper) if keeper else None,
            "connections": self._listener.connections if self._listener else 0,
            "output_bytes": await lifecycle.retention.measure(),
            "output_limit_bytes": configuration.total_bytes,
            "config": self._home.config,
            "config_problems": list(configuration.problems),
        }
