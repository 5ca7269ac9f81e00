"""What is true, told by the kernel and by the files alone; nothing here asks the daemon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import psutil

from persistproc_core.paths import Home
from tests.crash.workload import HOME_MARK
from tests.kit import marked

__all__ = ["Judgement", "Record", "alive", "judge", "judge_run", "records"]


class Record(NamedTuple):
    """What the check needs of a run's record."""

    run_id: str
    name: str
    state: str
    exit_code: int | None
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


def alive(home: Home) -> dict[int, str]:
    """The run id of every live child of this home, by pid, from the children's own environment."""
    found = {}
    for pid in marked(HOME_MARK, home.path):
        try:
            run_id = psutil.Process(pid).environ().get("PERSISTPROC_RUN")
        except psutil.NoSuchProcess:
            continue
        if run_id is not None:
            found[pid] = run_id
    return found


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
        value["stop"] is not None,
        value["released"],
        (folder / "spawned").exists(),
    )


def judge_run(home: Home, run_id: str, *, must_end: bool | None) -> Judgement:
    """Both logs of a run of steady_writer.

    ``must_end``: True when the program said goodbye, so that its last line must be there; False while it runs; None
    when nobody knows whether it got as far as its first line.
    """
    total = Judgement(0, 0)
    logs = {word: _log(Path(home.runs, run_id), stream) for word, stream in ((b"out", "stdout"), (b"err", "stderr"))}
    if must_end is None:
        must_end = any(data for _, data in logs.values())
    for word, (gaps, data) in logs.items():
        total += Judgement(gaps, 0) + judge(data, word, must_end=must_end)
    return total


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
