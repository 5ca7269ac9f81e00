"""Order between the streams: what the marks claim was so, however late the keeper comes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistproc_core.keeper.run import Run
from tests.keeper.folder import Folder
from tests.keeper.rig import Keeper
from tests.kit import program

OUT, ERR = 0, 1


def merged(folder: Folder) -> list[str]:
    """All lines in the order that the marks tell; between two marks stdout comes first."""
    logs = [folder.stdout, folder.stderr]
    ends = [(mark.stdout, mark.stderr) for mark in folder.marks()]
    lines: list[str] = []
    places = [0, 0]
    for mark in [*ends, (len(logs[OUT]), len(logs[ERR]))]:
        for stream, end in enumerate(mark):
            lines += logs[stream][places[stream] : end].decode().splitlines()
            places[stream] = end
    return lines


class Writer:
    """Writes to both FIFOs of a run, as a child does."""

    def __init__(self, directory: Path) -> None:
        self._fds = []
        for name in ("stdout", "stderr"):
            os.mkfifo(directory / name)
            self._fds.append(os.open(directory / name, os.O_RDWR | os.O_NONBLOCK))

    def write(self, *lines: tuple[int, str]) -> None:
        for stream, text in lines:
            os.write(self._fds[stream], f"{text}\n".encode())

    def close(self) -> None:
        for fd in self._fds:
            os.close(fd)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(tmp_path)
    yield writer
    writer.close()


@pytest.fixture
def run(writer: Writer, tmp_path: Path) -> Iterator[Run]:
    run = Run(b"r", os.fsencode(tmp_path))
    yield run
    run.close()


def told(run: Run) -> list[str]:
    run.cool()
    return merged(Folder(os.fsdecode(run.directory)))


def test_one_after_another(run: Run, writer: Writer) -> None:
    for number in range(20):
        writer.write((number % 2, str(number)))
        run.turn(number % 2)
    assert told(run) == [str(number) for number in range(20)]


@pytest.mark.parametrize("first", [OUT, ERR], ids=["stdout", "stderr"])
def test_two_at_once_in_the_order_in_which_they_became_readable(run: Run, writer: Writer, first: int) -> None:
    writer.write((first, "1"), (1 - first, "2"))
    assert run.turn(first) == [2, 2]
    assert told(run) == ["1", "2"]


def test_of_many_at_once_only_the_first_is_known(run: Run, writer: Writer) -> None:
    """The others are one mark: that 4 came before 3 would be a claim that is not so."""
    writer.write((ERR, "1"), (OUT, "2"), (ERR, "3"), (OUT, "4"), (ERR, "5"))
    run.turn(ERR)
    assert told(run) == ["1", "2", "4", "3", "5"]
    assert [(mark.stdout, mark.stderr) for mark in Folder(os.fsdecode(run.directory)).marks()] == [(0, 2), (4, 6)]


def test_a_stream_that_rested_came_first_as_a_whole(run: Run, writer: Writer) -> None:
    writer.write((ERR, "1"), (ERR, "2"), (ERR, "3"), (OUT, "4"))
    run.turn(ERR, rested=True)
    assert told(run) == ["1", "2", "3", "4"]


def test_an_end_takes_both_streams(run: Run, writer: Writer) -> None:
    writer.write((OUT, "bye"), (ERR, "failed"))
    run.drain_present()
    assert told(run) == ["bye", "failed"]


def test_a_childs_lines_with_gaps_come_back_in_order(keeper: Keeper) -> None:
    """20 ms; the benchmark `order` tells how many are right with smaller ones."""
    folder = keeper.run("r", program("alternate", 25, 20))
    assert merged(folder) == [str(number) for number in range(25)]


def test_a_mark_is_written_soon_after_the_last_line(keeper: Keeper) -> None:
    """Not with the next line: that may come in an hour, and would give its time to this one."""
    keeper.start("r", program("echo_stdin"))
    keeper.await_output("r", b"ready\n")
    keeper.write("r", b"1\n")
    keeper.await_output("r", b"got: 1\n")
    keeper.run("meanwhile", ["sleep", "0.2"])
    assert keeper.folder("r").marks()[-1].stdout == len(b"ready\ngot: 1\n")
