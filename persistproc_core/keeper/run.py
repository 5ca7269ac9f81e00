"""One run in the keeper's table: its child, its two captures, its marks and its exit record."""

from __future__ import annotations

import os
import time

from .capture import Capture
from .fields import Fields, dump
from .marks import BOTH, Marks
from .segments import DEFAULT_KEEP_BYTES
from .system import make_folder
from .terminal import Screen, Typing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .link import Link

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
        "asker",
        "captures",
        "directory",
        "drained",
        "marks",
        "note",
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
        self._begin(run_id, directory)
        try:
            self._open(keep, master)
        except OSError:
            if master is not None and self.captures:
                self.captures[0].fd = -1
            self.close()
            raise
        self._rolled = 0, self.captures[0].offset + self.captures[1].offset

    def _begin(self, run_id: bytes, directory: bytes) -> None:
        self.run_id = run_id
        self.directory = directory
        self.pid = 0
        self.start = b""
        self.note = b""
        """What the file ``spawned`` says: pid and start time, from before the command ran."""
        self.report = -1
        self.asker: tuple[Link, bytes] | None = None
        """Who is answered when the start has come to an end, and the id of the request."""
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
        self._mind_folder()

    def _mind_folder(self) -> None:
        for capture in self.captures:
            capture.log.on_missing = self.remake

    def dump(self, links: list[Link]) -> bytes:
        """For the program that takes our place; `cool` has been called."""
        asker = self.asker if self.asker is not None and self.asker[0] in links else None
        return dump(
            id=self.run_id,
            directory=self.directory,
            pid=self.pid,
            start=self.start,
            note=self.note,
            report=self.report,
            link=links.index(asker[0]) if asker is not None else -1,
            ask=asker[1] if asker is not None else b"",
            outcome=self.outcome,
            reaped=int(self.reaped),
            watch=(b"%d" % end for end in self.watch or ()),
            rolled=(b"%d" % number for number in self._rolled),
            lost=self._lost,
            lost_at=int(self._lost_at * 1000),
            marks=self.marks.dump(),
            typing=self.typing.dump() if self.typing is not None else b"",
            terminal=int(self.captures[0].is_terminal),
            streams=(capture.dump() for capture in self.captures),
        )

    @classmethod
    def of(cls, fields: Fields, links: list[Link]) -> Run:
        """What was dumped, with the same descriptors; nothing is read or written. Raises `ValueError`."""
        self = cls.__new__(cls)
        self._begin(fields.text("id"), fields.text("directory"))
        self.pid, self.start, self.note = fields.number("pid"), fields.text("start"), fields.text("note")
        self.report = fields.number("report", -1)
        link = fields.number("link", -1)
        if link >= 0:
            self.asker = links[link], fields.text("ask")
        self.outcome, self.reaped = fields.text("outcome"), bool(fields.number("reaped"))
        watch = fields.numbers("watch")
        self.watch = (watch[0], watch[1]) if watch else None
        self._lost, self._lost_at = fields.number("lost"), fields.number("lost_at") / 1000
        self.marks.take(Fields(fields.text("marks")))
        if fields.text("typing"):
            self.typing = Typing.of(Fields(fields.text("typing")))
        kind = Screen if fields.number("terminal") else Capture
        for stream, dumped in zip(FIFOS[1:], fields.several("streams"), strict=True):
            self.captures.append(kind.of(self.directory, stream, Fields(dumped)))
        opened, end = fields.numbers("rolled") or (0, 0)
        self._rolled = opened, end
        self._mind_folder()
        return self

    def remake(self) -> None:
        """Make the folder again, which somebody deleted, with what only we know. Raises `OSError`."""
        make_folder(self.directory, above=2)
        self.cool()  # what is open was deleted
        if self.note:
            write_record(self.directory, b"spawned", self.note)
        if self.outcome:
            write_record(self.directory, b"ended", self.outcome + b"\n")

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
    def descriptors(self) -> list[int]:
        """All that is open; `cool` has been called."""
        typing = [self.typing.fd, self.typing.out] if self.typing is not None else []
        fds = {fd for capture in self.captures for fd in capture.descriptors}
        return sorted({*fds, *typing, self.report} - {-1})

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
        self._record()
        return True

    def _record(self) -> None:
        try:
            try:
                write_record(self.directory, b"ended", self.outcome + b"\n")
            except FileNotFoundError:
                self.remake()
        except OSError:
            pass  # the daemon is told as well

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
