"""What is true, told by the kernel and by the files alone; nothing here asks the daemon."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from persistproc_core.daemon.kernel.identity import exit_status_from_kernel
from persistproc_core.paths import Home
from tests.crash.stage import HOME_MARK
from tests.crash.workload import VALUE_MARK
from tests.kit import is_alive, marked

__all__ = [
    "Child",
    "Judgement",
    "Record",
    "alive",
    "descriptors",
    "is_warm",
    "judge",
    "judge_run",
    "kernel_tells_ends",
    "records",
    "zombies",
]


class Child(NamedTuple):
    """What a live process of a run says of itself, in its environment."""

    run_id: str
    value: str
    """Of `VALUE_MARK`."""


class Record(NamedTuple):
    """What the check needs of a run's record."""

    run_id: str
    name: str
    state: str
    exit_code: int | None
    signal: str | None
    tty: bool
    asked_to_end: bool
    released: bool
    ran: bool


class Judgement(NamedTuple):
    """Bytes of a log that are missing, and bytes that are there twice or out of order."""

    lost: int
    doubled: int

    def __add__(self, other: object) -> Judgement:
        assert isinstance(other, Judgement)
        return Judgement(self.lost + other.lost, self.doubled + other.doubled)


def alive(home: Home) -> dict[int, Child]:
    """Every live child of this home, by pid, from the children's own environment."""
    found = {}
    for pid, environment in _environments(f"{HOME_MARK}={home.path}"):
        variables = dict(entry.partition("=")[::2] for entry in environment)
        if "PERSISTPROC_RUN" in variables and is_alive(pid):
            found[pid] = Child(variables["PERSISTPROC_RUN"], variables.get(VALUE_MARK, ""))
    return found


def _environments(marker: str) -> Iterator[tuple[int, list[str]]]:
    """Pid and variables of all processes that have this one. Read by hand: it is done thousands of times."""
    if not os.path.exists("/proc/self/environ"):
        for pid in marked(*marker.split("=", 1)):
            with suppress(psutil.Error):
                yield pid, [f"{name}={value}" for name, value in psutil.Process(pid).environ().items()]
        return
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                variables = file.read().decode("utf-8", "surrogateescape").split("\0")
        except OSError:
            continue  # it has ended meanwhile, or is another user's
        if marker in variables:
            yield int(name), variables


def descriptors(pid: int) -> int:
    """How many a process has open."""
    return psutil.Process(pid).num_fds()


def zombies(pid: int) -> list[int]:
    """Children of a process that have ended and were not waited for."""
    found = []
    for child in psutil.Process(pid).children():
        try:
            if child.status() == psutil.STATUS_ZOMBIE:
                found.append(child.pid)
        except psutil.NoSuchProcess:
            continue
    return found


def is_warm(pid: int) -> bool:
    """True for the process that daemons are forked from (tests.crash.warm), which is none itself."""
    try:
        return "tests.crash.warm.server" in psutil.Process(pid).cmdline()
    except psutil.NoSuchProcess:
        return False


def kernel_tells_ends() -> bool:
    """Whether the kernel tells how a process ended that was nobody's child (PIDFD_GET_INFO, Linux 6.15)."""
    if not hasattr(os, "pidfd_open"):
        return False
    child = os.posix_spawn("/bin/true", ["true"], os.environ)
    handle = os.pidfd_open(child)
    try:
        os.waitpid(child, 0)
        return exit_status_from_kernel(handle) == 0
    finally:
        os.close(handle)


def records(home: Home) -> tuple[list[Record], list[str]]:
    """All records, and the run ids of those that cannot be read."""
    found, unreadable = [], []
    for folder in sorted(Path(home.runs).iterdir()):
        try:
            found.append(_record(folder))
        except (OSError, ValueError, KeyError):
            if folder.exists():  # an old run may have been removed meanwhile
                unreadable.append(folder.name)
    return found, unreadable


def _record(folder: Path) -> Record:
    value = json.loads((folder / "record.json").read_text("ascii"))
    return Record(
        value["run_id"],
        value["name"],
        value["state"],
        value["exit_code"],
        value["signal"],
        value["settings"]["tty"],
        value["stop"] is not None,
        value["released"],
        (folder / "spawned").exists(),
    )


def judge_run(home: Home, record: Record, *, must_end: bool | None, killed: bool = False) -> Judgement:
    """Both logs of a run of steady_writer.

    ``must_end``: True when the program said goodbye, so that its last line must be there; False while it runs; None
    when nobody knows whether it got as far as its first line. ``killed``: by SIGKILL, maybe in the middle of a line.
    """
    total = Judgement(0, 0)
    folder = Path(home.runs, record.run_id)
    logs = {word: _log(folder, stream) for word, stream in ((b"out", "stdout"), (b"err", "stderr"))}
    if record.tty:
        gaps, data = logs[b"out"]
        logs = {word: (gaps, text) for word, text in _apart(data).items()}
    if must_end is None:
        must_end = not killed and any(data for _, data in logs.values())
    for word, (gaps, data) in logs.items():
        total += Judgement(gaps, 0) + judge(data, word, must_end=must_end)
    return total


def _apart(data: bytes) -> dict[bytes, bytes]:
    """What a terminal showed, as the two streams that were written to it; what is neither counts as the first's."""
    *lines, tail = data.replace(b"\r\n", b"\n").split(b"\n")
    streams = {b"out": b"", b"err": b""}
    for line in lines:
        streams[line[:3] if line[:3] in streams else b"out"] += line + b"\n"
    streams[b"err" if tail.startswith(b"e") else b"out"] += tail.rstrip(b"\r")
    return streams


def _log(folder: Path, stream: str) -> tuple[int, bytes]:
    """Bytes missing between the segments, and all that is there."""
    data, gaps = b"", 0
    for path in sorted(folder.glob(f"{stream}-*.log")):
        start = int(path.stem.rpartition("-")[2])
        gaps += abs(start - gaps - len(data))
        data += path.read_bytes()
    return gaps, data


def judge(data: bytes, word: bytes, *, must_end: bool) -> Judgement:
    """Compare what ``steady_writer`` printed to one stream with what it must have printed."""
    lines = data.split(b"\n")
    tail = lines.pop()
    end = word + b" end "
    said = int(lines.pop()[len(end) :]) if lines and lines[-1].startswith(end) else None
    expected = said if said is not None else len(lines)
    # The whole at once, as nearly always all is well and there are many lines.
    if lines == [b"%s %d" % (word, number) for number in range(expected)] and not tail:
        return Judgement(0 if said is not None or not must_end else len(end) + 2, 0)
    return _differences(lines, word, said, tail, must_end=must_end)


def _differences(lines: list[bytes], word: bytes, said: int | None, tail: bytes, *, must_end: bool) -> Judgement:
    seen: set[int] = set()
    doubled, highest = 0, -1
    for line in lines:
        start, _, number = line.partition(b" ")
        if start != word or not number.isdigit() or int(number) in seen or int(number) < highest:
            doubled += len(line) + 1
            continue
        highest = int(number)
        seen.add(highest)
    missing = set(range(said if said is not None else highest + 1)) - seen
    lost = sum(len(b"%s %d\n" % (word, number)) for number in missing)
    if tail and (must_end or not (b"%s %d\n" % (word, highest + 1)).startswith(tail)):
        # While it runs the last line may be half there; of an ended run nothing may.
        doubled += len(tail)
    if must_end and said is None:
        lost += len(word) + len(b" end 0\n")
    return Judgement(lost, doubled)
