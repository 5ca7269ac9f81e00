"""What a question about a process's output brings, from run folders written for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from persistproc_core.daemon.answers.asking import Question
from persistproc_core.daemon.answers.places import Cursor, Moment, begins_after
from persistproc_core.daemon.answers.reading import Found, read
from persistproc_core.daemon.logs import Offsets
from persistproc_core.daemon.logs.render import Style
from persistproc_core.daemon.model import Process, Run
from persistproc_core.daemon.settings import Settings
from persistproc_core.daemon.words.command import parse_command
from tests.daemon.unit.logfolder import LogFolder

COMMAND = parse_command(["true"])


@pytest.fixture
def folders(tmp_path: Path) -> list[LogFolder]:
    return [LogFolder(tmp_path / str(number), segment_bytes=64) for number in (1, 2)]


@pytest.fixture
def process(folders: list[LogFolder]) -> Process:
    runs = [
        Run(
            run_id=f"p.{number}.00000000",
            number=number,
            directory=str(folder.path),
            command=COMMAND,
            working_directory="/",
            settings=Settings(),
            started_at=f"2023-11-14T22:13:{20 + number:02d}.000Z",
            started_by={"name": "test"},
            boot_id="",
            state="exited",
        )
        for number, folder in enumerate(folders, 1)
    ]
    return Process("p", "/", COMMAND, "/", runs)


def ask(process: Process, **asked: Any) -> Found:
    question = Question(
        runs=tuple(process.runs),
        view="combined",
        style=Style(),
        part="last",
        lines=100,
        max_bytes=32768,
        since=None,
        before=None,
        cursor=None,
        params={"process": "p"},
    )
    return read(process, question._replace(**asked))


def texts(found: Found) -> list[str]:
    return [line["text"] for line in found.lines]


@pytest.mark.parametrize("part", ["last", "first"])
def test_the_cursor_of_what_came_before_a_place_stands_at_it(
    process: Process, folders: list[LogFolder], part: str
) -> None:
    folders[0].write("stdout", b"one\ntwo\nthree\n")
    folders[1].write("stdout", b"four\n")

    found = ask(process, part=part, before=Cursor(1, Offsets(8, 0)))

    assert texts(found) == ["one", "two"]
    assert (found.end.run.number, found.end.offsets) == (1, Offsets(8, 0))


def test_a_run_begins_after_the_time_before_its_start(process: Process) -> None:
    start = 1_700_000_001_000_000_000

    assert [begins_after(Moment(start + later), process.runs[0]) for later in (-1, 0, 1)] == [True, False, False]


def test_what_was_deleted_since_a_time_is_missed(process: Process, folders: list[LogFolder]) -> None:
    folders[1].write("stdout", b"x" * 63 + b"\n" + b"y" * 63 + b"\n")
    folders[1].mark()
    folders[1].delete_oldest("stdout")
    runs = (process.runs[1],)

    assert ask(process, runs=runs).missed_bytes == 0
    for part in ("last", "first"):
        found = ask(process, runs=runs, part=part, since=Moment(1))
        assert (texts(found), found.missed_bytes) == (["y" * 63], 64)


@pytest.mark.parametrize("form", ["plain", "raw"])
@pytest.mark.parametrize("lines", [100, 10_000])
def test_a_hole_is_told_before_what_follows_it(
    process: Process, folders: list[LogFolder], form: str, lines: int
) -> None:
    folders[1].write("stdout", b"before\n" + b"x" * 57 + b"y" * 64 + b"after\n")
    os.unlink(folders[1].path / f"stdout-{64:020d}.log")
    runs = (process.runs[1],)
    style = Style(form)  # type: ignore[arg-type]

    pages = [ask(process, runs=runs, part="first", cursor=Offsets(0, 0), style=style, lines=lines)]
    while pages[-1].more:
        pages.append(ask(process, runs=runs, part="first", cursor=pages[-1].end.offsets, style=style, lines=lines))

    assert ["".join(texts(page)).replace("\n", "") for page in pages] == ["before" + "x" * 57, "after"]
    assert [page.missed_bytes for page in pages] == [0, 64]
    assert [page.ended for page in pages] == [False, True]


def test_what_could_not_be_compared_is_told(process: Process, folders: list[LogFolder]) -> None:
    form = b"line %s\n"
    names = (
        bytes([97 + number // 17576, 97 + number // 676 % 26, 97 + number // 26 % 26, 97 + number % 26])
        for number in range(130_000)
    )
    folders[0].segment_bytes = 4 << 20
    folders[0].write("stdout", b"".join(form % name for name in names))
    folders[1].write("stdout", b"a line\n")
    runs = (process.runs[1],)

    assert not ask(process, runs=runs).incomplete
    assert ask(process, runs=runs, params={"process": "p", "new_in_run": True}).incomplete
