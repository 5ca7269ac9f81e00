"""What the daemon asks of the keeper.

What a caller of the daemon waits for has a deadline, and raises `KeeperUnavailable` when the keeper does not answer: it
is stopped (SIGSTOP). What the daemon does by itself waits until the keeper goes on.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

import anyio

from ..errors import KeeperUnavailable
from ..keeper.segments import DEFAULT_KEEP_BYTES
from ..keeper.wire import pack, unpack
from .keeper_link import KeeperLink, KeeperLost
from .log import Log
from .model import Outcome, Run

__all__ = ["KeeperRequests", "KeptRun", "kept_run"]

_ANSWER_SECONDS = 10.0
_SIGNAL_SECONDS = 2.0
_LATE_SECONDS = 2.0
_ASKED_AT_ONCE = 256

_Answer = TypeVar("_Answer")


class KeptRun(NamedTuple):
    """A run in the keeper's table."""

    run_id: str
    pid: int
    start: int | None
    outcome: Outcome | None
    starting: bool


class KeeperRequests:
    """The requests. They wait until there is a link; who holds it sets it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._link: KeeperLink | None = None
        self._ready = anyio.Event()
        self._unanswered = False
        """True when not even its greeting was answered."""
        self.pid: int | None = None

    @property
    def is_silent(self) -> bool:
        """True when it has not answered in time, and has said nothing since."""
        return self._link is None or self._link.silent

    @property
    def is_stopped(self) -> bool:
        """True when one lives that does not answer.

        One that has died is soon followed by the next, which has yet to write what the dead one left unwritten.
        """
        return self._unanswered if self._link is None else self._link.silent

    def _lose(self) -> None:
        if self._link is not None:
            self._log.warning("keeper.lost", pid=self.pid)
            self._link = None
            self.pid = None
        if self._ready.is_set():
            self._ready = anyio.Event()

    async def _within(self, seconds: float, ask: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """What the keeper answers in that time. Raises `KeeperUnavailable`, and what ``ask`` raises."""
        try:
            with anyio.fail_after(seconds):
                return await ask()
        except TimeoutError:
            if self._link is not None:
                self._link.silent = True
            who = f"the keeper (pid {self.pid})" if self.pid is not None else "the keeper"
            self._log.warning("keeper.does_not_answer", pid=self.pid, seconds=seconds)
            raise KeeperUnavailable(
                f"{who} has not answered for {seconds:g} s",
                hint=f"if it is stopped: kill -CONT {self.pid}" if self.pid is not None else "see persistproc doctor",
            ) from None

    async def _connected(self) -> KeeperLink:
        while self._link is None:
            await self._ready.wait()
        return self._link

    async def start(
        self, run: Run, environment: dict[str, str], umask: int, keep_bytes: int | None = None
    ) -> tuple[int, int | None]:
        """Start the run's command; pid and start time. ``keep_bytes``: of each stream.

        Raises `KeeperRefused`, or `KeeperLost` and `KeeperUnavailable`: it may or may not run. A keeper that comes to
        read this when nobody waits for it any more refuses it.
        """
        latest = _latest(_ANSWER_SECONDS)

        async def ask() -> tuple[int, int | None]:
            return await self._start(run, environment, umask, keep_bytes, latest)

        return await self._within(_ANSWER_SECONDS + _LATE_SECONDS, ask)

    async def _start(
        self, run: Run, environment: dict[str, str], umask: int, keep_bytes: int | None, latest: int
    ) -> tuple[int, int | None]:
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
            b"%d" % latest,
        )
        return int(pid), int(start) if start else None

    async def check(self) -> None:
        """Return when the keeper answers: asked before a run is ended in whose place it is to start another one.

        Raises `KeeperUnavailable`.
        """
        await self._within(_ANSWER_SECONDS, lambda: self._ask(b"drain", b""))

    async def runs(self) -> list[KeptRun]:
        """What the keeper holds."""
        return [kept_run(unpack(fields)) for fields in await self._ask(b"list")]

    async def adopt(self, run: Run, keep_bytes: int | None = None) -> None:
        """Drain a run that is not the keeper's child: its parent died, or somebody else started it."""
        kind = b"terminal" if run.settings.tty else b""
        pid = b"%d" % (run.pid or 0)
        await self._ask(b"adopt", run.run_id.encode(), _bytes(run.directory), _kept_bytes(run, keep_bytes), kind, pid)

    async def signal(self, run: Run, signum: int, to: str) -> bool:
        """Signal the group or the leader; false when it is not the keeper's (any more), or that one is stopped."""
        latest = b"%d" % _latest(_SIGNAL_SECONDS)

        async def ask() -> list[bytes]:
            return await self._ask(b"signal", run.run_id.encode(), b"%d" % signum, to.encode(), latest)

        try:
            # Each process can be signalled by itself, and nobody should wait for a stopped keeper twice.
            return not self.is_silent and await self._within(_SIGNAL_SECONDS, ask) == [b"sent"]
        except KeeperUnavailable:
            return False

    async def resize(self, run: Run, rows: int, columns: int) -> bool:
        """Set the size of the run's terminal; false when it has none (any more). Raises `KeeperUnavailable`."""

        async def ask() -> list[bytes]:
            return await self._ask(b"resize", run.run_id.encode(), b"%d" % rows, b"%d" % columns)

        return await self._within(_ANSWER_SECONDS, ask) == [b"resized"]

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


def _latest(seconds: float) -> int:
    """When a request becomes pointless, on the clock that the keeper has as well."""
    return time.monotonic_ns() + int(seconds * 1e9)


def _bytes(text: str) -> bytes:
    # Not os.fsencode: callers speak UTF-8 on the wire, whatever the locale that the daemon was born with.
    return text.encode("utf-8", "surrogateescape")


def _kept_bytes(run: Run, keep_bytes: int | None) -> bytes:
    return b"%d" % (keep_bytes or run.settings.keep_bytes or DEFAULT_KEEP_BYTES)


def kept_run(fields: list[bytes]) -> KeptRun:
    run_id, pid, start, outcome, phase = fields
    return KeptRun(
        run_id.decode(),
        int(pid),
        int(start) if start else None,
        Outcome.parse(outcome) if outcome else None,
        phase == b"starting",
    )
