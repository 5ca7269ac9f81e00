"""Which runs wait for input: they printed something without a newline and are blocked reading their input or terminal.

Nothing is guessed: where the kernel does not tell on what a process is blocked (another system or processor, a process
of another user), a run never waits for input.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from math import inf
from typing import Any, NamedTuple, cast
from weakref import WeakKeyDictionary

import anyio
import anyio.to_thread

from ...keeper.blocked import blocked_calls
from ..answers.output import Output
from ..ending import Ender
from ..events.journal import Journal
from ..keeper import Keeper
from ..logs.reader import RunLog
from ..model import Process, Run
from ..registry import Registry
from .open_line import OpenLine, open_line

__all__ = ["Finding", "Prompts", "Question"]

_SETTLES_SECONDS = 0.3
_LOOKS_AGAIN_SECONDS = 0.5
_LONGEST_SECONDS = 5.0
_QUIET_SECONDS = 0.2
"""A loop that waits for many things (a spinner, a build) is at its input only when it has nothing else to print."""
_KEEPER_SECONDS = 1.0
_TERMINAL_OF_THE_CALLER = os.makedev(5, 0)  # /dev/tty, Documentation/admin-guide/devices.txt


class Question(NamedTuple):
    """A live run to look at."""

    run: Run
    pids: list[int]
    """All its processes, or those that were blocked a moment ago."""


class Finding(NamedTuple):
    """What a run looks like. Without a line it does not ask for anything."""

    run: Run
    line: OpenLine | None = None
    pid: int | None = None
    """Who is blocked on the input."""
    hidden: tuple[int, ...] = ()
    """Processes of which only an ancestor may ask on what they are blocked."""


class _Input(NamedTuple):
    """The run's own input: the FIFO, and its terminal."""

    fifo: tuple[int, int] | None
    terminal: int


class _Asked(NamedTuple):
    line: OpenLine
    pid: int
    since: float


class Prompts:
    """Keeps `Run.prompt`, and tells the journal when it changes."""

    def __init__(self, ender: Ender, keeper: Keeper, output: Output, journal: Journal) -> None:
        self._ender = ender
        self._keeper = keeper
        self._output = output
        self._journal = journal
        self._asked: WeakKeyDictionary[Run, _Asked] = WeakKeyDictionary()

    def give(self) -> object:
        """What runs ask, for the daemon that takes the place of this one: it would tell of it a second time."""
        return [[run.run_id, asked.line.text, *asked.line.place, asked.pid] for run, asked in self._asked.items()]

    def take(self, given: object, registry: Registry) -> None:
        """What the former daemon gave. Raises `TypeError` or `ValueError` for anything else."""
        for run_id, text, path, size, pid in cast("list[Any]", given):
            found = registry.run(run_id)
            if found is not None and found[1].live:
                line = OpenLine(str(text), (str(path), int(size)), 0.0)
                self._asked[found[1]] = _Asked(line, int(pid), anyio.current_time())
                found[1].prompt = line.text

    @staticmethod
    def find(questions: Iterable[Question]) -> list[Finding]:
        """Look at the runs. Blocks; for a worker thread. Most runs cost a look at the end of their logs."""
        return [_find(question) for question in questions]

    async def note(self, process: Process, finding: Finding) -> None:
        """Take over what was found."""
        if finding.line is not None and finding.pid is None and finding.hidden:
            finding = await self._ask_keeper(finding)
        self._set(process, finding)

    async def look(self, process: Process, run: Run) -> Finding:
        """Look at one run now; `Run.prompt` is true afterwards."""
        if run.foreign or not run.live:
            return Finding(run)
        asked = self._asked.get(run)
        if asked is not None:
            # Whoever was blocked mostly still is; that is quicker to see than to look for all processes of the run.
            finding = await anyio.to_thread.run_sync(_find, Question(run, [asked.pid]))
            if finding.line is None or finding.pid is not None:
                await self.note(process, finding)
                return finding
        elif await anyio.to_thread.run_sync(open_line, run.directory) is None:
            return Finding(run)
        pids = [member.pid for member in await self._ender.members(run)]
        finding = await anyio.to_thread.run_sync(_find, Question(run, pids))
        await self.note(process, finding)
        return finding

    async def watch(self, process: Process, run: Run, told: Callable[[str | None, float], None]) -> None:
        """Look again and again until the run has ended: when it printed something, and while its last line is open.

        ``told(text, since)`` is called after each look, with what `Run.prompt` is and since when (on anyio's clock).
        """
        pause = _SETTLES_SECONDS
        while run.live and not run.foreign:
            sizes = await anyio.to_thread.run_sync(RunLog(run.directory).sizes)
            finding = await self.look(process, run)
            told(run.prompt, self._asked[run].since if run in self._asked else 0.0)
            if finding.line is None:
                pause = inf
            elif run.prompt is not None:
                pause = _LOOKS_AGAIN_SECONDS
            with anyio.move_on_after(pause) as waited:
                await self._output.wait_beyond(run, sizes, "combined")
            if waited.cancelled_caught:
                pause = min(pause * 2, _LONGEST_SECONDS)
            else:
                await anyio.sleep(_SETTLES_SECONDS)
                pause = _SETTLES_SECONDS

    async def _ask_keeper(self, finding: Finding) -> Finding:
        run = finding.run
        calls: dict[int, list[bytes]] = {}
        # A keeper that is stopped must not keep a list of all processes from being answered.
        with anyio.move_on_after(_KEEPER_SECONDS):
            calls = await self._keeper.blocked_calls(list(finding.hidden))
        pid = await anyio.to_thread.run_sync(_first_at_input, run, calls, finding.line)
        return finding._replace(pid=pid)

    def _set(self, process: Process, finding: Finding) -> None:
        run, line, pid = finding.run, finding.line, finding.pid
        before = self._asked.get(run)
        if line is None or pid is None or not run.live:
            run.prompt = None
            if self._asked.pop(run, None) is not None and run.live:
                self._journal.tell("input_taken", process, run)
            return
        if before is not None and before.line.place == line.place:
            return
        self._asked[run] = _Asked(line, pid, anyio.current_time())
        run.prompt = line.text
        if before is not None and run.settings.tty and _is_typed(before.line.text, line.text):
            return
        if before is not None:
            self._journal.tell("input_taken", process, run)
        self._journal.tell("waiting_for_input", process, run, text=line.text)


def _is_typed(before: str, after: str) -> bool:
    """A terminal shows behind the question what somebody types; that is no other question."""
    return after != before and after.startswith(before)


def _find(question: Question) -> Finding:
    run = question.run
    line = open_line(run.directory)
    if line is None:
        return Finding(run)
    calls: dict[int, list[bytes]] = {}
    hidden = []
    for pid in question.pids:
        try:
            calls[pid] = blocked_calls(pid)
        except PermissionError:
            hidden.append(pid)
    return Finding(run, line, _first_at_input(run, calls, line), tuple(hidden))


def _first_at_input(run: Run, calls: dict[int, list[bytes]], line: OpenLine | None) -> int | None:
    if line is None or not any(calls.values()):
        return None
    ours = _input_of(run)
    for pid, entries in calls.items():
        for entry in entries:
            kind, *descriptors = entry.split()
            if kind != b"read" and line.quiet_seconds < _QUIET_SECONDS:
                continue
            if any(_is_input(pid, int(descriptor), ours) for descriptor in descriptors):
                return pid
    return None


def _input_of(run: Run) -> _Input:
    try:
        status = os.stat(os.path.join(run.directory, "stdin"))
        fifo = (status.st_dev, status.st_ino)
    except OSError:
        fifo = None
    return _Input(fifo, _terminal_of(run.pid) if run.pid else 0)


def _is_input(pid: int, descriptor: int, ours: _Input) -> bool:
    try:
        status = os.stat(f"/proc/{pid}/fd/{descriptor}")
    except OSError:
        return False
    if stat.S_ISFIFO(status.st_mode):
        return (status.st_dev, status.st_ino) == ours.fifo
    if not stat.S_ISCHR(status.st_mode) or not ours.terminal:
        return False
    if status.st_rdev == _TERMINAL_OF_THE_CALLER:
        return _terminal_of(pid) == ours.terminal
    return status.st_rdev == ours.terminal


def _terminal_of(pid: int) -> int:
    """The device of a process's controlling terminal; 0 without one (tty_nr, field 7 of proc_pid_stat(5))."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            number = int(file.read(4096).rpartition(b")")[2].split()[4])
    except (OSError, ValueError, IndexError):
        return 0
    return os.makedev(number >> 8 & 0xFFF, number & 0xFF | number >> 12 & 0xFFF00) if number else 0
