"""Which segments go, and in which order; looked at again without reading everything."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from persistproc_core.daemon.keeping.output_index import Known, OutputIndex, output_bytes
from persistproc_core.daemon.logs import Offsets
from persistproc_core.daemon.logs.reader import RunLog
from tests.daemon.unit.logfolder import LogFolder

SECOND = 1_000_000_000


class Runs:
    """Folders of runs, with segments of 100 bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.gone: dict[str, bool] = {}

    def add(self, run_id: str, stdout: int, stderr: int = 0, *, gone: bool = True, marks: int = 0) -> LogFolder:
        folder = LogFolder(self.path / run_id, 100)
        folder.write("stdout", b"o" * stdout)
        folder.write("stderr", b"e" * stderr)
        for _ in range(marks):
            folder.mark()
        self.gone[run_id] = gone
        return folder

    def age(self, times: dict[str, int]) -> None:
        """When files were last written, by the end of their path, in seconds."""
        for name, time in times.items():
            run_id, stream, start = name.split()
            os.utime(self.path / run_id / f"{stream}-{int(start):020d}.log", ns=(time * SECOND, time * SECOND))

    def known(self) -> Iterable[Known]:
        return [Known(run_id, str(self.path / run_id), gone) for run_id, gone in self.gone.items()]

    def left(self) -> dict[str, int]:
        """The files that hold something."""
        files = sorted(self.path.glob("*/*"))
        return {
            f"{f.parent.name} {f.name[:6]} {int(f.name[7:-4])}": f.stat().st_size
            for f in files
            if f.suffix and f.stat().st_size
        }


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture
def index() -> OutputIndex:
    return OutputIndex()


def test_the_oldest_segments_of_all_runs_go_first(runs: Runs, index: OutputIndex) -> None:
    runs.add("a", 250, 50)
    runs.add("b", 200)
    runs.age(
        {"a stdout 0": 1, "b stdout 0": 2, "a stderr 0": 3, "a stdout 100": 4, "b stdout 100": 5, "a stdout 200": 6}
    )
    index.look(runs.known(), set())
    assert index.total == 500
    assert index.delete_oldest(220) == {"a": 150, "b": 100}
    assert index.total == 250
    assert runs.left() == {"a stdout 100": 100, "a stdout 200": 50, "b stdout 100": 100}
    assert index.delete_oldest(0) == {}
    assert index.delete_oldest(1) == {"a": 100}


def test_offsets_stay_true_when_nothing_is_left(runs: Runs, index: OutputIndex) -> None:
    folder = runs.add("a", 250, 30, marks=3)
    folder.skip("stderr", 7)  # lost on a full disk, and only the marks tell
    folder.mark()
    index.look(runs.known(), set())
    assert index.delete_oldest(1000) == {"a": 280}
    assert index.total == 0
    assert sorted(path.name for path in folder.path.iterdir()) == [f"stderr-{37:020d}.log", f"stdout-{250:020d}.log"]
    log = RunLog(str(folder.path))
    assert log.sizes() == Offsets(250, 37)
    assert log.read(Offsets(0, 0)).missed_bytes == 287
    assert output_bytes(str(folder.path)) == 0
    index.look(runs.known(), set())
    assert index.delete_oldest(1000) == {}


def test_marks_go_with_the_last_segment(runs: Runs, index: OutputIndex) -> None:
    folder = runs.add("a", 100, 100, marks=2)
    index.look(runs.known(), set())
    assert index.total == 248
    index.delete_oldest(100)
    assert (folder.path / "marks").exists()
    index.delete_oldest(1)
    assert not (folder.path / "marks").exists()
    assert index.total == 0


def test_a_live_run_keeps_its_newest_segments(runs: Runs, index: OutputIndex) -> None:
    runs.add("live", 250, 30, gone=False, marks=1)
    index.look(runs.known(), set())
    assert index.delete_oldest(1000) == {"live": 200}
    assert runs.left() == {"live stdout 200": 50, "live stderr 0": 30}
    assert index.delete_oldest(1000) == {}
    runs.gone["live"] = True
    index.look(runs.known(), set())
    assert index.delete_oldest(1000) == {"live": 80}


def test_only_of_ended_runs_on_a_full_disk(runs: Runs, index: OutputIndex) -> None:
    runs.add("gone", 100)
    runs.add("live", 250, gone=False)
    runs.age({"live stdout 0": 1})
    index.look(runs.known(), set())
    assert index.delete_oldest(1000, only_gone=True) == {"gone": 100}


def test_a_clock_that_was_set_back_does_not_make_holes(runs: Runs, index: OutputIndex) -> None:
    runs.add("a", 300)
    runs.add("b", 100)
    runs.age({"a stdout 0": 50, "a stdout 100": 10, "a stdout 200": 20, "b stdout 0": 40})
    index.look(runs.known(), set())
    assert index.delete_oldest(1) == {"b": 100}
    assert index.delete_oldest(1) == {"a": 100}
    assert runs.left() == {"a stdout 100": 100, "a stdout 200": 100}


def test_growth_is_seen_without_looking_at_everything(runs: Runs, index: OutputIndex) -> None:
    live = runs.add("live", 150, gone=False, marks=1)
    gone = runs.add("gone", 150, marks=1)
    index.look(runs.known(), set())
    live.write("stdout", b"x" * 20)
    live.mark()
    index.look(runs.known(), set())
    assert index.total == 150 + 24 + 150 + 24 + 20 + 24
    for folder in (live, gone):
        times = os.stat(folder.path)
        folder.write("stderr", b"e" * 50)
        os.utime(folder.path, ns=(times.st_atime_ns, times.st_mtime_ns))  # as if in the same tick of the clock
    index.look(runs.known(), set())
    assert index.total == 392
    index.look(runs.known(), {"live"})
    assert index.total == 392 + 50
    live.write("stdout", b"x" * 100)  # another segment, that nobody told of
    index.look(runs.known(), set())
    assert index.total == 392 + 50 + 100


def test_what_is_gone_meanwhile_is_no_error(runs: Runs, index: OutputIndex) -> None:
    """The keeper deletes too, and so does whoever removes a process."""
    folder = runs.add("a", 300)
    runs.add("b", 100)
    index.look(runs.known(), set())
    for path in folder.path.iterdir():
        path.unlink()
    assert index.delete_oldest(150) == {"b": 100}
    folder.path.rename(runs.path / ".deleted-a")
    index.look(runs.known(), set())
    assert index.total == 0
    runs.gone.clear()
    index.look(runs.known(), set())
    assert (index.total, index.delete_oldest(5)) == (0, {})


def test_what_cannot_be_deleted_stays(runs: Runs, index: OutputIndex) -> None:
    """A folder in the place of a segment: root is refused by nothing else."""
    runs.add("a", 200)
    runs.add("b", 200)
    runs.age({"a stdout 0": 1, "a stdout 100": 2})
    index.look(runs.known(), set())
    stuck = runs.path / "a" / f"stdout-{0:020d}.log"
    stuck.unlink()
    stuck.mkdir()
    assert index.delete_oldest(350) == {"a": 100, "b": 200}


def test_other_files_do_not_count(runs: Runs, index: OutputIndex) -> None:
    folder = runs.add("a", 10).path
    for name in ("record.json", "keeper.log", "stdout-x.log", "stdout-٣.log", "notes.log", "stdout-5.log.gz"):
        (folder / name).write_bytes(b"x" * 1000)
    index.look(runs.known(), set())
    index.delete_oldest(10**6)
    assert len(list(folder.iterdir())) == 7
    assert index.total == output_bytes(str(folder)) == 0
