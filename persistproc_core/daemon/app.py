"""The daemon put together: one home, one lock, one keeper, one socket."""

from __future__ import annotations

import os
import secrets
import signal
import socket
from collections.abc import Callable

import anyio

from .. import __version__
from ..paths import Home
from .adopting.adopting import Adopting
from .answers.bookmarks import Bookmarks
from .answers.output import Output
from .capturing import Capturing
from .configuring import Configuring
from .control import Control
from .deeds import Deeds
from .dispatch import Dispatcher
from .events.journal import Journal
from .events.news import News
from .facts import Facts
from .handover.environments import Environments
from .handover.gate import Gate
from .handover.memory import Memory
from .handover.replacing import Replacing
from .handover.taking import Inherited, Taken
from .home.guard import HomeGuard
from .home.host import give_up
from .home.lock import HomeLock
from .home.upkeep import Upkeep
from .keeping.pruning import Pruning
from .kernel.peer import Peer
from .launching import Launching
from .lifecycle import Lifecycle
from .listener import Listener
from .log import Log
from .making import make_lifecycle
from .methods.greeting import hello
from .methods.methods import Methods
from .methods.of_daemon import OfDaemon
from .methods.of_projects import OfProjects
from .methods.questions import Questions
from .methods.subscribing import Subscribing
from .methods.verbs import Verbs
from .notify import Notifier
from .project.approval import Approvals
from .project.keeping import Keeping
from .project.projects import Projects
from .project.turns import Turns
from .project.up import Tools
from .protection import Protecting
from .readiness.awaiting import Awaiting
from .readiness.making import make_readying
from .registry import Registry
from .session import Session
from .status import Status
from .store import Store
from .subscriptions.following import Following
from .subscriptions.sightings import Sightings
from .subscriptions.watchers import Watchers
from .supervisor import Supervisor
from .tasks import Tasks
from .usage.connected import Connected
from .usage.staleness import Staleness
from .waiting.prompts import Prompts
from .waiting.waiting import Waiting

__all__ = ["Daemon"]

_LAST_REPLIES_SECONDS = 1.0


class Daemon:
    """One life of the daemon. The lock is held by the caller."""

    def __init__(
        self,
        home: Home,
        lock: HomeLock,
        inherited: Inherited,
        *,
        notifier: Notifier | None = None,
        taken: Taken | None = None,
    ) -> None:
        """``taken``: what the daemon handed over whose place this one takes."""
        self._home = home
        self._lock = lock
        self._inherited = inherited
        self._notifier = notifier or Notifier()
        self._taken = taken
        self._hello = hello(secrets.token_hex(8))
        self._quit = anyio.Event()
        self._registry = Registry()
        self._status = Status(home, self._hello["instance"], self._registry)
        self._gate = Gate()
        self._listener: Listener | None = None
        self._journal: Journal | None = None
        self._replacing: Replacing | None = None
        self._was_replaced = False
        """True when another daemon has the home's lock, made while ours had no name."""
        self.serving = anyio.Event()
        """Set when it serves. Before that it does nothing by itself: the one that it is to replace may yet go on."""

    @property
    def _owns_home(self) -> bool:
        """Whether socket and journal are ours: not before we have taken a former daemon's place, nor after."""
        taken = self._taken is None or self.serving.is_set()
        return taken and not self._was_replaced and not (self._replacing is not None and self._replacing.done)

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
                self._listener.close(handed_over=not self._owns_home)
            if self._journal is not None and self._owns_home:
                self._journal.close()
            if self._owns_home and not any(run.present for _, run in self._registry.runs()):
                give_up(self._home)
            log.info("daemon.ended", pid=os.getpid())
            log.close()

    async def _serve(self, group: anyio.abc.TaskGroup, log: Log, ready: Callable[[], None]) -> None:
        home_guard = HomeGuard(self._home)
        tasks = Tasks(group, log)
        lifecycle, disk, recovery, connected = make_lifecycle(
            self._home, home_guard, log, tasks, self._registry, self.serving
        )
        keeper, retention = lifecycle.keeper, lifecycle.retention
        journal = self._journal = lifecycle.journal
        bookmarks = Bookmarks(self._home.marks, self._registry, keeper, log, home_guard)
        await journal.load()
        group.start_soon(journal.run)
        await lifecycle.configuration.refresh()
        following = Following(self._registry, journal, keeper, lifecycle.uses, log)
        group.start_soon(Sightings(tasks, self._registry, journal, keeper).run)
        await recovery.load()
        await bookmarks.load()
        group.start_soon(retention.run)
        await group.start(keeper.run)
        memory = Memory(log)
        self._replacing = Replacing(
            self._home.path,
            log,
            lock=self._lock,
            inherited=self._inherited,
            notifier=self._notifier,
            gate=self._gate,
            memory=memory,
            registry=self._registry,
            lifecycle=lifecycle,
        )
        methods = self._methods(group, tasks, log, lifecycle, disk, bookmarks, following, memory, connected)
        dispatcher = Dispatcher(methods.handlers(), log)

        async def handle(connection: socket.socket, peer: Peer) -> None:
            await Session(connection, peer, dispatcher, self._hello).serve()

        if self._taken is not None:
            memory.take(self._taken.memory)
        self._listener = self._replacing.listener = self._listen(log)
        group.start_soon(self._listener.serve, group, handle)
        group.start_soon(self._obey_signals, log)
        upkeep = Upkeep(
            self._home,
            log,
            self._lock,
            self._listener,
            lifecycle,
            bookmarks,
            disk,
            self._registry,
            # While another daemon takes our place, a lock that we made anew would shut it out.
            owns_home=lambda: self._owns_home and not self._gate.closed,
            leave=self._leave,
        )
        group.start_soon(upkeep.run)
        if self._taken is not None:
            self._taken.say_ready(self._hello["instance"])
        self.serving.set()
        ready()
        await self._quit.wait()

    def _listen(self, log: Log) -> Listener:
        adopted = self._taken.listener if self._taken is not None else None
        return Listener(self._home.socket, log, adopted)

    def _methods(
        self,
        group: anyio.abc.TaskGroup,
        tasks: Tasks,
        log: Log,
        lifecycle: Lifecycle,
        disk: Store,
        bookmarks: Bookmarks,
        following: Following,
        memory: Memory,
        connected: Connected,
    ) -> Methods:
        assert self._replacing is not None
        keeper, ender = lifecycle.keeper, lifecycle.ender
        protecting = Protecting(lifecycle)
        configuring = Configuring(lifecycle)
        supervisor = Supervisor(
            self._registry,
            lifecycle,
            protecting,
            configuring,
            Launching(lifecycle, disk, self._inherited.umask, self._inherited.files),
            lifecycle.ports,
        )
        group.start_soon(self._begin_deeds, lifecycle, supervisor)
        output = Output(keeper, bookmarks)
        prompts = Prompts(ender, keeper, output, lifecycle.journal)
        lifecycle.readying = make_readying(tasks, log, lifecycle, self._registry, output, prompts)
        facts = Facts(ender, prompts, lifecycle.uses, connected)
        staleness = Staleness(lifecycle.uses, connected.look)
        group.start_soon(Watchers(self._registry, lifecycle.journal, prompts, ender, tasks).run)

        news = News(lifecycle.journal, self._registry)
        environments = Environments(self._registry)
        memory.part("environments", environments.give, environments.take)
        memory.part("news", news.give, news.take)
        memory.part("questions", prompts.give, lambda given: prompts.take(given, self._registry))
        memory.part("uses", lifecycle.uses.give, lifecycle.uses.take)
        memory.part("deletions", lifecycle.journal.give_deleted, lifecycle.journal.take_deleted)

        def quit_soon() -> None:
            group.start_soon(self._quit_soon, following)

        deeds = Deeds(group, self._gate)
        control = Control(self._registry, lifecycle)
        tools = Tools(
            self._registry,
            supervisor,
            lifecycle.readying,
            Keeping(lifecycle, configuring),
            Turns(),
            deeds,
            output.last_lines,
        )
        approvals = Approvals(self._home.approved, HomeGuard(self._home))
        return Methods(
            verbs=Verbs(
                registry=self._registry,
                supervisor=supervisor,
                control=control,
                facts=facts,
                output=output,
                protecting=protecting,
                configuring=configuring,
                pruning=Pruning(self._registry, lifecycle, staleness),
                uses=lifecycle.uses,
                capturing=Capturing(self._registry, lifecycle, supervisor, disk),
                adopting=Adopting(self._registry, lifecycle, supervisor, disk, lifecycle.ports.holders.of),
            ),
            questions=Questions(
                registry=self._registry,
                facts=facts,
                output=output,
                waiting=Waiting(facts, output, prompts, ender, lifecycle.ports.holders, bookmarks, lifecycle.readying),
                bookmarks=bookmarks,
                news=news,
                staleness=staleness,
                uses=lifecycle.uses,
                ports=lifecycle.ports,
            ),
            subscribing=Subscribing(
                following=following,
            ),
            of_projects=OfProjects(
                projects=Projects(tools, control, facts, lifecycle.ports, approvals),
            ),
            of_daemon=OfDaemon(
                supervisor=supervisor,
                replacing=self._replacing,
                daemon_facts=lambda: self._status.look(lifecycle, self._listener.connections if self._listener else 0),
                quit_soon=quit_soon,
            ),
            awaiting=Awaiting(self._registry, lifecycle.readying, facts, self._gate),
            deeds=deeds,
            gate=self._gate,
        )

    async def _begin_deeds(self, lifecycle: Lifecycle, supervisor: Supervisor) -> None:
        """What nobody asks for: starting again, and ending what is over."""
        await self.serving.wait()
        lifecycle.restarting.open(supervisor)
        lifecycle.expiry.open(self._registry)
        lifecycle.watching.open(supervisor, self._registry)
        lifecycle.readying.open(supervisor)

    def _leave(self) -> None:
        self._was_replaced = True
        self._quit.set()

    async def _quit_soon(self, following: Following) -> None:
        with anyio.move_on_after(_LAST_REPLIES_SECONDS):
            if self._owns_home:
                await following.quit()
            if self._listener is not None:
                # The reply to shutdown_daemon is on its way through its session, which ends when all is answered.
                self._listener.pause()
                await self._listener.wait_idle()
        self._quit.set()

    async def _obey_signals(self, log: Log) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for number in signals:
                # A clean end leaves the processes to the keeper, like every other end of the daemon.
                log.info("daemon.signalled", signal=signal.Signals(number).name)
                self._quit.set()
