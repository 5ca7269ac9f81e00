"""One run in the keeper's table: its child, its two captures, its marks and its exit record."""

from __future__ import annotations

import os
import time

from .capture import Capture
from .marks import Marks

__all__ = ["FIFOS", "Run", "write_record"]

FIFOS = (b"stdin", b"stdout", b"stderr")


class Run:
    """A run. ``pid`` is 0 for an adopted one, whose parent was a keeper that died."""

    __slots__ = (
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
        "watch",
    )

    def __init__(self, run_id: bytes, directory: bytes) -> None:
        """Open the FIFOs of the run. Raises `OSError` when they are not there."""
        self.run_id = run_id
        self.directory = directory
        self.pid = 0
        self.start = b""
        self.report = -1
        self.outcome = b""
        self.reaped = False
        self.watch: tuple[int, int] | None = None
        self.captures: list[Capture] = []
        self.drained = [0.0, 0.0]
        """When each stream was last read (monotonic)."""
        self.marks = Marks(directory)
        try:
            for stream, least in zip(FIFOS[1:], self.marks.last(), strict=True):
                self.captures.append(Capture(directory, stream, least))
        except OSError:
            self.close()
            raise

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
        """The reading ends of its FIFOs."""
        return [capture.fd for capture in self.captures]

    @property
    def is_child(self) -> bool:
        """True while the leader is our unreaped child: then its pid, group and session cannot mean anybody else."""
        return self.pid > 0 and not self.reaped

    def drain(self, index: int) -> int:
        """Drain one chunk of stream ``index`` and mark it. Returns as `Capture.drain`."""
        moved = self.captures[index].drain()
        if moved > 0:
            self._note(index)
        return moved

    def drain_present(self) -> None:
        """Drain what is in both FIFOs at this moment."""
        for index, capture in enumerate(self.captures):
            if capture.drain_present():
                self._note(index)

    def _note(self, index: int) -> None:
        self.marks.note(index, self.captures[0].offset, self.captures[1].offset)

    @property
    def grew(self) -> bool:
        """True when the log is longer than what is being watched for."""
        return self.watch is not None and (
            self.captures[0].offset > self.watch[0] or self.captures[1].offset > self.watch[1]
        )

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
            capture.close_segment()
        self.marks.flush()
        self.marks.close()

    def close(self) -> None:
        """Close everything."""
        for capture in self.captures:
            capture.close()
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
