"""The keeper as the daemon sees it: connected to, started when there is none, replaced at once when it dies."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread

from ..keeper import wire
from ..keeper.wire import VERSION, unpack
from ..paths import Home
from .keeper_link import KeeperLink, KeeperLost, KeeperRefused
from .keeper_process import KeeperProcess
from .keeper_requests import KeeperRequests, KeptRun, kept_run
from .log import Log
from .model import Outcome

__all__ = ["Keeper", "KeptRun"]

_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(wire.__file__)), "__main__.py")
_ANSWER_SECONDS = 10.0
_UPGRADE_SECONDS = 40.0  # longer than the keeper itself allows for it
_FIRST_DELAY = 0.01
_LONGEST_DELAY = 5.0


class Keeper(KeeperRequests):
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
        serving: anyio.Event | None = None,
    ) -> None:
        """``serving``: not before it is set, a keeper of another version is made ours.

        ``on_rolled(run_id)``: the run has begun another segment; once for 4 MiB at most.

        ``on_lost(run_id, bytes)``: a full disk has cost output, old or new; at its beginning, then once a minute at
        most, and at the end.
        """
        super().__init__(log)
        self._home = home
        self._on_connected = on_connected
        self._on_started = on_started
        self._on_exited = on_exited
        self._on_grew = on_grew
        self._on_rolled = on_rolled
        self._on_lost = on_lost
        self._process = KeeperProcess(home, log, _PROGRAM)
        self._serving = serving
        self._asked = 0
        self._delay = _FIRST_DELAY
        self._on_greeted: Callable[[], None] = lambda: None
        self._holding = anyio.CancelScope()
        self._wanted, self._let_go = anyio.Event(), anyio.Event()
        self._wanted.set()
        self._let_go.set()

    async def run(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Hold a link for ever, unless suspended. Started: when the runs of the first keeper are known."""
        self._on_greeted = task_status.started
        self._delay = _FIRST_DELAY
        while True:
            while not self._wanted.is_set():
                await self._wanted.wait()
            self._let_go = anyio.Event()
            try:
                with anyio.CancelScope() as self._holding:
                    await self._hold()
                    # A keeper that dies as soon as it lives must not make the daemon spin.
                    await anyio.sleep(self._delay)
                    self._delay = min(self._delay * 2, _LONGEST_DELAY)
            finally:
                self._let_go.set()

    async def _hold(self) -> None:
        """One link, from its opening to its end."""
        link = await self._open()
        if link is None:
            return
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._serve, link, group.cancel_scope)
                version = await self._greet(link)
                if version is None:
                    group.cancel_scope.cancel()
                else:
                    self._delay = _FIRST_DELAY
                    await self._bring_up_to_date(link, version)
        finally:
            # An open link would keep a keeper without runs alive.
            link.close()

    async def suspend(self) -> None:
        """Let go of the link, and open no other until `resume`; returns when it is closed. Requests wait meanwhile.

        For a daemon that is being replaced: the keeper serves the one who said hello last, and two would take it from
        each other in turn.
        """
        if self._wanted.is_set():
            self._wanted = anyio.Event()
            self._holding.cancel()
            self._log.info("keeper.suspended", pid=self.pid)
        await self._let_go.wait()

    def resume(self) -> None:
        """Hold a link again, and reconcile with what the keeper has by now."""
        self._delay = _FIRST_DELAY
        self._wanted.set()

    async def _serve(self, link: KeeperLink, scope: anyio.CancelScope) -> None:
        try:
            await link.serve()
        except Exception as error:
            # What a keeper says must not end the daemon; one that makes no sense is as good as gone.
            self._log.exception("keeper.unintelligible", error)
        finally:
            self._lose()
            scope.cancel()

    async def _greet(self, link: KeeperLink) -> int | None:
        """The version of the keeper; None when it does not answer."""
        try:
            with anyio.fail_after(_ANSWER_SECONDS):
                version, pid = await link.request(b"hello", b"%d" % VERSION)
                kept = [kept_run(unpack(fields)) for fields in await link.request(b"list")]
            self.pid = int(pid)
            self._link = link
            self._log.info("keeper.connected", pid=self.pid, runs=len(kept), wire=version.decode())
            await self._on_connected(kept)
            number = int(version)
        except TimeoutError:
            # It is stopped. The daemon serves what it can; whoever needs the keeper is told so.
            self._log.warning("keeper.does_not_answer", seconds=_ANSWER_SECONDS)
            self._unanswered = True
            self._greeted()
            return None
        except (KeeperLost, KeeperRefused, ValueError) as error:
            self._log.warning("keeper.silent", error=f"{type(error).__name__} {error}")
            return None
        self._unanswered = False
        self._ready.set()
        self._greeted()
        return number

    def _greeted(self) -> None:
        self._on_greeted()
        self._on_greeted = lambda: None

    async def _bring_up_to_date(self, link: KeeperLink, version: int) -> None:
        """Have a keeper of another version, older or newer, become ours; once. One that cannot goes on as it is."""
        if version == VERSION or self.pid is None or self._asked == self.pid:
            return
        if self._serving is not None:
            await self._serving.wait()
        self._asked = self.pid
        self._log.info("keeper.upgrading", pid=self.pid, wire=version, to=VERSION)
        try:
            with anyio.fail_after(_UPGRADE_SECONDS):
                (now,) = await link.request(b"upgrade", os.fsencode(sys.executable), os.fsencode(_PROGRAM))
            self._log.info("keeper.upgraded", pid=self.pid, wire=now.decode())
        except (KeeperLost, TimeoutError) as error:
            self._log.warning("keeper.not_upgraded", pid=self.pid, error=type(error).__name__)
        except KeeperRefused as refusal:
            self._log.warning("keeper.not_upgraded", pid=self.pid, error=refusal.detail)

    async def _open(self) -> KeeperLink | None:
        try:
            return KeeperLink(await anyio.to_thread.run_sync(self._process.connect), self._event)
        except OSError as error:
            self._log.warning("keeper.unavailable", error=str(error))
            return None

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
