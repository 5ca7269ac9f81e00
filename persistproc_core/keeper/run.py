"""One run in the keeper's table: its child, its two captures, its marks and its exit record."""

from __future__ import annotations

import os
import time

from .capture import Capture
from .marks import BOTH, Marks
from .segments import DEFAULT_KEEP_BYTES
from .terminal import Screen, Typing

__all__ = ["FIFOS", "Run", "write_record"]

FIFOS = (b"stdin", b"stdout", b"stderr")

_ROUNDS = 3
_LOSS_SECONDS = 60.0
_TOLD_BYTES = 4 * 1024 * 1024


class Run:
    """A run. ``pid`` is 0 for an adopted one, whose parent was a keeper that died, and for a captured one."""

    __slots__ = (
        "_lost",
        "_lost_at",
        "_rolled",
        "captures",
        "directory",
        "drained",
        "marks",
        "outcome",
        "pid",
        "reaped",
        "report",
        "run_id",
        "start",
        "typing",
        "watch",
    )

    def __init__(
        self, run_id: bytes, directory: bytes, keep: int = DEFAULT_KEEP_BYTES, master: int | None = None
    ) -> None:
        """Open the FIFOs of the run, or take over the master of its terminal (-1: it is gone).

        Raises `OSError` when the FIFOs are not there; the master is the caller's then.
        """
        self.run_id = run_id
        self.directory = directory
        self.pid = 0
        self.start = b""
        self.report = -1
        self.outcome = b""
        self.reaped = False
        self.watch: tuple[int, int] | None = None
        self.captures: list[Capture] = []
        self.typing: Typing | None = None
        self.drained = [0.0, 0.0]
        """When each stream was last read (monotonic)."""
        self._lost = 0
        self._lost_at = -_LOSS_SECONDS
        self.marks = Marks(directory)
        try:
            self._open(keep, master)
        except OSError:
            if master is not None and self.captures:
                self.captures[0].fd = -1
            self.close()
            raise
        self._rolled = 0, self.captures[0].offset + self.captures[1].offset

    def _open(self, keep: int, master: int | None) -> None:
        stdout, stderr = self.marks.last()
        if master is None:
            self.captures.append(Capture(self.directory, b"stdout", stdout, keep))
            self.captures.append(Capture(self.directory, b"stderr", stderr, keep))
        else:
            self.captures.append(Screen(master, self.directory, b"stdout", stdout, keep))
            self.captures.append(Screen(-1, self.directory, b"stderr", stderr, keep))
            if master >= 0:
                self.typing = Typing(self.directory, master)

    @property
    def master(self) -> int:
        """The terminal's master; -1 when there is none."""
        return self.captures[0].fd if self.typing is not None else -1

    def describe(self) -> list[bytes]:
        """Run id, pid, start time, outcome (empty: alive), and ``starting`` or ``started``."""
        return [
            self.run_id,
            b"%d" % self.pid,
            self.start,
            self.outcome,
            b"starting" if self.report >= 0 else b"started",
        ]

    @property
    def fds(self) -> list[int]:
        """What must stay open when we die: its terminal first, if it has one, its FIFOs, and what is typed."""
        fds = [fd for capture in self.captures for fd in capture.held]
        return fds if self.typing is None else [*fds, self.typing.fd]

    @property
    def is_child(self) -> bool:
        """True while the leader is our unreaped child: then its pid, group and session cannot mean anybody else."""
        return self.pid > 0 and not self.reaped

    def turn(self, first: int, *, rested: bool = False) -> list[int]:
        """Drain what is in both streams, and mark it. Returns how many bytes of each.

        ``first`` became readable before the other one; ``rested``: long before. What is found in both at one moment is
        one mark, for nobody can tell how they followed each other, but for the line that woke us: that was the first.
        """
        moved = [0, 0]
        for number in range(_ROUNDS):
            here, there = self._present(first)
            ends = [capture.offset for capture in self.captures]
            here, there = self.captures[first].take(here), self.captures[1 - first].take(there)
            if here and there and not number:
                ends[first] += here if rested else self.captures[first].log.first_line(here)
                self.marks.note(first, *ends)
            if here or there:
                self._note(BOTH if here and there else first if here else 1 - first)
            moved[first] += here
            moved[1 - first] += there
            if not there:
                break
        return moved

    def _present(self, first: int) -> tuple[int, int]:
        """How much both hold at one moment."""
        here, there = self.captures[first].present(), self.captures[1 - first].present()
        for _ in range(_ROUNDS if there else 0):
            # What came while the second was asked may be older than what was found there.
            again = self.captures[first].present()
            if again == here:
                break
            here, there = again, self.captures[1 - first].present()
        return here, there

    def drain(self, index: int) -> int:
        """Drain one chunk of stream ``index`` and mark it. Returns as `Capture.drain`."""
        moved = self.captures[index].drain()
        if moved > 0:
            self._note(index)
        return moved

    def drain_present(self) -> None:
        """Drain what is in both streams at this moment."""
        self.turn(0)

    def _note(self, stream: int) -> None:
        self.marks.note(stream, self.captures[0].offset, self.captures[1].offset)

    @property
    def grew(self) -> bool:
        """True when the log is longer than what is being watched for."""
        return self.watch is not None and (
            self.captures[0].offset > self.watch[0] or self.captures[1].offset > self.watch[1]
        )

    def rolled(self) -> bool:
        """True when a segment was begun, and 4 MiB were written, since this was last true."""
        opened = self.captures[0].log.opened + self.captures[1].log.opened
        end = self.captures[0].offset + self.captures[1].offset
        if opened == self._rolled[0] or end - self._rolled[1] < _TOLD_BYTES:
            return False
        self._rolled = opened, end
        return True

    def lost(self, *, at_last: bool = False) -> int:
        """How many bytes a full disk has cost since this was last told; 0 while the same episode goes on."""
        total = self.captures[0].log.lost + self.captures[1].log.lost
        if total == self._lost:
            return 0
        now = time.monotonic()
        if now - self._lost_at < _LOSS_SECONDS and not at_last:
            return 0
        told, self._lost, self._lost_at = self._lost, total, now
        return total - told

    def look(self) -> bool:
        """Look whether the child has ended; true once, when it has. The last byte it wrote is in the log by then.

        The child stays a zombie: until `reap` its pid cannot be given to a stranger, so its group can be signalled
        (kill(2), setpgid(2)).
        """
        if not self.pid or self.outcome:
            return False
        try:
            end = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        if end is None:
            return False
        outcome = b"exit" if end.si_code == os.CLD_EXITED else b"signal"
        self.drain_present()
        self.marks.flush()
        self.outcome = b"%s %d %d" % (outcome, end.si_status, time.time_ns())
        try:
            write_record(self.directory, b"ended", self.outcome + b"\n")
        except OSError:
            pass  # the daemon is told as well
        return True

    def reap(self) -> None:
        """Give the pid back."""
        if self.is_child:
            try:
                os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                pass
            self.reaped = True

    def cool(self) -> None:
        """Close the descriptors that open again by themselves."""
        for capture in self.captures:
            capture.narrow()
            capture.log.close()
        self.marks.flush()
        self.marks.close()

    def close(self) -> None:
        """Close everything."""
        for capture in self.captures:
            capture.close()
        if self.typing is not None:
            self.typing.close()
        if self.report >= 0:
            os.close(self.report)
            self.report = -1


def write_record(directory: bytes, name: bytes, content: bytes) -> None:
    """Write a small file so that a reader finds all of it or nothing (rename(2)). Raises `OSError`."""
    path = os.path.join(directory, name)
    fd = os.open(path + b".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, content)
    finally:
        os.close(fd)
    os.rename(path + b".new", path)
