"""Processes and their runs as the daemon holds them in memory; `store` writes them down."""

from __future__ import annotations

import math
import os
import secrets
from dataclasses import dataclass, field
from typing import NamedTuple

import anyio

from ..protocol import ClientInfo, State
from ..signal_names import signal_name
from .adopting.followed import FollowedFile
from .kernel.identity import Handle, Identity
from .settings import Options, Settings
from .states import LIVE, Event, next_state
from .words.command import Command

__all__ = [
    "Cause",
    "Outcome",
    "Plan",
    "Process",
    "Protection",
    "Run",
    "new_run_id",
]

_SETTLED_SECONDS = 1.0


class Outcome(NamedTuple):
    """How a leader ended: by exit (``code``) or by a signal (its number), and when (wall clock, ns)."""

    code: int | None
    signal: int | None
    time_ns: int

    @classmethod
    def parse(cls, text: bytes) -> Outcome:
        """From the keeper's words: ``exit 0 TIME`` or ``signal 15 TIME``. Raises `ValueError`."""
        kind, status, time_ns = text.split()
        if kind == b"exit":
            return cls(int(status), None, int(time_ns))
        return cls(None, int(status), int(time_ns))

    @classmethod
    def of_status(cls, status: int, time_ns: int) -> Outcome:
        """From the kernel's number (wait(2))."""
        if os.WIFEXITED(status):
            return cls(os.WEXITSTATUS(status), None, time_ns)
        return cls(None, os.WTERMSIG(status), time_ns)


class Cause(NamedTuple):
    """Who asked for something, and why."""

    verb: str
    """What was done, as ``stopped``."""
    by: ClientInfo
    reason: str | None = None

    def sentence(self) -> str:
        """``stopped by cursor: dependency update``."""
        return f"{self.verb} by {self.by['name']}" + (f": {self.reason}" if self.reason else "")


class Protection(NamedTuple):
    """Who protected a process from what others do to it, why, and when (RFC 3339)."""

    by: ClientInfo
    reason: str | None
    time: str


@dataclass(eq=False)
class Run:
    """One run of a process."""

    run_id: str
    number: int
    directory: str
    command: Command
    working_directory: str
    settings: Settings
    started_at: str
    started_by: ClientInfo
    boot_id: str
    start_reason: str | None = None
    replaced_run: int | None = None
    """The run in whose place it was started."""
    restarts: int = 0
    """How many restarts by policy in a row led to it."""
    next_restart: int | None = None
    """The number in the row of the restart by policy that is planned after it; None: none is."""
    lease: float | None = None
    """From when on its ttl counts (s, CLOCK_BOOTTIME), where that is not its leader's start: see `usage.leases`."""
    state: State = "starting"
    identity: Identity | None = None
    ended_at: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    reason: str | None = None
    """In words, why it is in its state."""
    explanation: str = ""
    """Why it failed, where its output tells of something that we know more about."""
    stop: Cause | None = None
    """Who asked for its end."""
    found_before: tuple[Options, Protection | None] | None = None
    """What its process had before this run, by the records; only of runs that a former daemon began."""
    added_variables: tuple[str, ...] = ()
    environment: dict[str, str] | None = None
    """As it was asked for, without what we added; in memory only. None: not known (yet)."""
    survivors: tuple[int, ...] = ()
    is_child: bool = True
    """False when its parent was a keeper that died: its pid is then no proof of its group."""
    spared: bool = False
    """True when a stop was asked to leave what had left the session."""
    captured: bool = False
    """True when its leader is a ``persistproc capture``: we did not start it, and its session is its user's."""
    adopted: bool = False
    """True when its leader was started by somebody else, and taken into the list."""
    followed: tuple[FollowedFile, ...] = ()
    """adopted: where its output can be had."""
    kin: frozenset[Identity] = frozenset()
    """adopted: its processes as they were last seen. No marker tells which they are once their parent has ended."""
    ready: bool | None = None
    """Whether it is ready; None: it was not asked to tell."""
    ready_at: str | None = None
    ready_seconds: float | None = None
    ready_by: str | None = None
    """What it was known by, in words."""
    prompt: str | None = None
    """What it printed last, without a newline, while it is blocked reading its input."""
    ending: bool = False
    """True while a stop is at it."""
    watched: bool = False
    """True while we hold such a run ourselves."""
    undrained: bool = False
    """True when the kernel told of its end and not a keeper, which says so when the last byte is in the log."""
    handle: Handle | None = None
    """Our hold on the leader."""
    launched: anyio.Event = field(default_factory=anyio.Event)
    """Set once the keeper's answer is known; before that the run is its starter's business alone."""
    writing: anyio.Lock = field(default_factory=anyio.Lock)
    ended: anyio.Event = field(default_factory=anyio.Event)
    gone: anyio.Event = field(default_factory=anyio.Event)
    growth: anyio.Event = field(default_factory=anyio.Event)
    changed: anyio.Event = field(default_factory=anyio.Event)
    """Set, and replaced, with each change of the state."""
    passed: list[State] = field(default_factory=list)
    """The states that it came to while this daemon looked."""

    @property
    def live(self) -> bool:
        """True until the leader has ended."""
        return self.state in LIVE

    @property
    def present(self) -> bool:
        """True while anything of the run may be alive."""
        return self.live or not self.gone.is_set()

    @property
    def foreign(self) -> bool:
        """True when we did not start its leader: its input, its group and its session are its user's."""
        return self.captured or self.adopted

    async def settled(self) -> None:
        """Wait until it is known whether an ended run left anything behind: that takes some ms when it did not."""
        if not self.live:
            with anyio.move_on_after(_SETTLED_SECONDS):
                await self.gone.wait()

    @property
    def asked_argv(self) -> tuple[str, ...]:
        """The argument list as it was asked for: two processes are the same when they are equal."""
        return self.settings.asked or self.command.argv

    @property
    def pid(self) -> int | None:
        """The leader's pid, once there is one."""
        return self.identity.pid if self.identity else None

    def advance(self, event: Event) -> None:
        """Go to the next state."""
        self.state = next_state(self.state, event)
        self.passed.append(self.state)
        self.changed.set()
        self.changed = anyio.Event()

    def pass_through(self, state: State) -> None:
        """Wake those who wait for a state that is one of the process: the run keeps its own."""
        self.passed.append(state)
        self.changed.set()
        self.changed = anyio.Event()

    def grew(self) -> None:
        """Wake those who wait for output."""
        self.growth.set()
        self.growth = anyio.Event()

    def finish(self, outcome: Outcome | None, ended_at: str, reason: str = "") -> None:
        """The leader has ended; ``outcome`` None: nobody knows how."""
        if outcome is None:
            self.advance(Event.VANISHED)
        else:
            self.advance(Event.EXITED_ZERO if outcome.code == 0 else Event.EXITED_OTHERWISE)
            self.exit_code = outcome.code
            self.signal = signal_name(outcome.signal) if outcome.signal is not None else None
        self.ended_at = ended_at
        self.reason = self._why(outcome, reason)
        self.ended.set()
        self.grew()

    def _why(self, outcome: Outcome | None, reason: str) -> str:
        if self.state == "stopped":
            return self.stop.sentence() if self.stop else "stopped"
        if self.captured and outcome is not None and outcome.code == 0:
            return "end of input"
        if outcome is None:
            return reason or "ended while nobody looked; how is not known"
        if outcome.signal is not None:
            return f"ended by {self.signal}"
        return f"exited with code {outcome.code}" + (f"; {self.explanation}" if self.explanation else "")


@dataclass(eq=False)
class Plan:
    """A restart by policy that is to come."""

    run: Run
    """After which it comes."""
    number: int
    """In the row, from 1."""
    limit: int
    """How many there are at most."""
    at: str
    """When, on the wall clock, for people (RFC 3339)."""
    deadline: float
    """When, on the clock of the event loop."""
    why: str
    """How the run ended."""
    pause: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    """What waits for it."""
    over: anyio.Event = field(default_factory=anyio.Event)
    """Set when it is not to come any more: there is another run, another plan, or none."""

    def words(self, time: float) -> str:
        """As seen at that time of the event loop's clock: ``starts again in 4 s (2 of 5)``."""
        seconds = math.ceil(self.deadline - time)
        return f"starts again {f'in {seconds} s' if seconds > 0 else 'now'} ({self.number} of {self.limit})"


@dataclass(eq=False)
class Process:
    """A process: a name in a project, and its runs, oldest first."""

    name: str
    project_directory: str
    command: Command
    working_directory: str
    runs: list[Run] = field(default_factory=list)
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    """Held around every verb that starts or ends a run: two callers never act at once."""
    removed: bool = False
    protection: Protection | None = None
    options: Options = field(default_factory=Options)
    plan: Plan | None = None
    """The restart by policy that it waits for."""
    restarting: int | None = None
    """The run in whose place another one is just being started."""

    @property
    def current(self) -> Run | None:
        """The newest run."""
        return self.runs[-1] if self.runs else None

    @property
    def live(self) -> bool:
        """True when the newest run is live."""
        return bool(self.runs) and self.runs[-1].live

    @property
    def asked_argv(self) -> tuple[str, ...]:
        """The argument list that was last asked for."""
        return self.runs[-1].asked_argv if self.runs else self.command.argv

    @property
    def planned(self) -> Plan | None:
        """What it waits for, until there is a newer run."""
        return self.plan if self.plan is not None and self.plan.run is self.current else None

    @property
    def restart_at(self) -> str | None:
        """When it is started again by policy (RFC 3339), while it waits for that."""
        return self.planned.at if self.planned is not None else None

    def next_number(self) -> int:
        """The number of the next run."""
        return self.runs[-1].number + 1 if self.runs else 1


def new_run_id(name: str, number: int) -> str:
    """A folder name that a person can read and that never comes again: ``web.3.9f2c1a7b``."""
    slug = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "_" for char in name)[:40]
    return f"{slug}.{number}.{secrets.token_hex(4)}"
