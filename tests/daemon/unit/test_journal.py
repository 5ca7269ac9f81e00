"""The journal by itself: numbers, what is kept, what is written, and what is told only once."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from persistproc_core.daemon.events import journal_file
from persistproc_core.daemon.events.journal import Journal
from persistproc_core.daemon.log import Log
from persistproc_core.daemon.logs.segments import Offsets
from persistproc_core.daemon.subscriptions.watch import Watch
from tests.daemon.unit.journals import journal_in, make

pytestmark = pytest.mark.anyio


def events(journal: Journal) -> list[tuple[int, str]]:
    return [(entry.sequence, entry.kind) for entry in journal.after(0).entries]


async def test_what_is_told_is_in_the_file_before_it_is_shown(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        in_file: list[list[str]] = []
        path = tmp_path / "events.jsonl"
        journal.on_news = lambda entries: in_file.append(path.read_text("utf-8").splitlines())
        journal.tell("started", *make())
        assert journal.sequence == 0
        await journal.settled()
        assert journal.sequence == 1
        event = json.loads(in_file[0][0])
    assert event == {
        "sequence": 1,
        "time": event["time"],
        "type": "started",
        "name": "p",
        "project": "shop",
        "project_directory": "/home/me/shop",
        "run": 1,
        "run_id": "p.1",
        "state": "running",
        "pid": None,
    }


async def test_what_happens_once_is_told_once_also_by_the_next_daemon(tmp_path: Path) -> None:
    process, run = make()
    for _ in range(2):
        async with journal_in(tmp_path) as journal:
            journal.found_running(process, run)
            journal.tell("port_opened", process, run, port=80, address="::1")
            run.state = "exited"
            journal.ended(process, run)
            run.state = "lost"
            journal.ended(process, run)
            run.state = "starting"
        kinds = [kind for _, kind in events(journal)]
    assert kinds == ["started", "port_opened", "exited", "port_opened"]


async def test_old_events_go_and_that_is_told(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        for number in range(1, 6001):
            journal.tell("started", *make(number))
            if number % 500 == 0:
                await journal.settled()
        assert journal.sequence == 6000
        assert 1000 <= len(journal.after(0).entries) <= 2500
        assert journal.after(0).missed is True
        assert journal.after(journal.oldest - 1).missed is False
        assert journal.after(5999).entries[0].run == 6000
        assert journal.after(6000).entries == []
        kept = journal.after(0).entries
        assert (tmp_path / "events.jsonl").stat().st_size <= 1.2 * journal_file.MAX_FILE_BYTES
    async with journal_in(tmp_path) as journal:
        assert journal.sequence == 6000
        assert journal.after(0).entries[-100:] == kept[-100:]
        journal.found_running(*make(1))
        assert journal.sequence == 6000, "its event was dropped, and is not told again"


async def test_a_file_that_cannot_be_written_costs_nothing_but_the_file(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        (tmp_path / "events.jsonl").mkdir()
        journal.tell("started", *make(1))
        await journal.settled()
        assert events(journal) == [(1, "started")]
        (tmp_path / "events.jsonl").rmdir()
        journal.tell("started", *make(2))
        await journal.settled()
    assert [entry.sequence for entry in journal_file.load(str(tmp_path / "events.jsonl"))[0]] == [1, 2]


async def test_what_is_left_is_written_at_the_end(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "events.jsonl"), Log(str(tmp_path / "log")))
    await journal.load()
    journal.tell("started", *make())
    journal.close()
    async with journal_in(tmp_path) as journal:
        assert events(journal) == [(1, "started")]


async def test_who_is_interested_in_what(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        changed = journal.changed
        assert not journal.watches("port_opened", "started")
        with journal.watching(frozenset({"port_opened"})):
            assert changed.is_set()
            assert journal.watches("port_opened", "started")
            assert not journal.watches("started")
            with journal.watching(None):
                assert journal.watches("started")
            changed = journal.changed
        assert changed.is_set()
        assert not journal.watches("port_opened")


async def test_how_far_the_output_of_a_deleted_run_went_is_known_for_a_while(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        for number in range(1100):
            journal.deleted(f"p.{number}", Offsets(number, 0))
        assert journal.end_of_deleted("p.1099") == Offsets(1099, 0)
        assert journal.end_of_deleted("p.1") is None


_WHOLE = b'{"sequence":%s,"time":"t","type":"x","project_directory":"/","name":"%s","run":1,"run_id":"p.1",%s}'


@pytest.mark.parametrize(
    "line",
    [
        *(b"{}", b"[]", b"7", b"\xff", b"[" * 100_000, b'{"sequence":"1"}', b'{"sequence":1,"time":1,"type":"x"}'),
        _WHOLE % (b"1", b"p", b'"exit_code":NaN'),
        _WHOLE % (b"1", b"\xed\xa0\x80", b'"exit_code":0'),
        _WHOLE % (b"9" * 30, b"p", b'"exit_code":0'),
        _WHOLE % (b"1", b"p", b'"by":{}'),
    ],
    ids=["empty", "list", "number", "no-text", "deep", "half", "types", "nan", "surrogate", "beyond", "nobody"],
)
async def test_rubbish_in_the_file(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "events.jsonl").write_bytes(line + b"\n")
    async with journal_in(tmp_path) as journal:
        journal.tell("started", *make())
        await journal.settled()
        assert events(journal) == [(1, "started")]
    assert len((tmp_path / "events.jsonl").read_bytes().splitlines()) == 1


async def test_what_a_full_disk_kept_out_is_written_after_a_replacement_that_failed(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.mkdir()
    async with journal_in(tmp_path) as journal:
        journal.tell("started", *make())
        await journal.settled()
        await journal.pause()
        path.rmdir()
        await journal.resume()
        journal.tell("stopped", *make())
        await journal.settled()
        assert [json.loads(line)["sequence"] for line in path.read_text("utf-8").splitlines()] == [1, 2]


async def test_a_removed_process_leaves_nothing_behind(tmp_path: Path, anyio_backend: str) -> None:
    journal = Journal(str(tmp_path / "events.jsonl"), Log(str(tmp_path / "log")))
    process, run = make()
    journal.tell("started", process, run)
    journal.deleted(run.run_id, Offsets(1, 1))
    journal.tell("output_deleted", process, run, bytes=1)
    journal.tell("removed", process, run)
    assert run.run_id not in journal._told


async def test_a_watcher_that_stands_still_too_long_is_told(tmp_path: Path) -> None:
    reading = anyio.Event()
    told: list[bytes] = []
    reasons: list[str | None] = []

    async def deliver(line: bytes) -> None:
        told.append(line)
        await reading.wait()

    async with journal_in(tmp_path) as journal, anyio.create_task_group() as group:
        watch = Watch(journal, 0, None, lambda entry: True)

        async def serve() -> None:
            reasons.append(await watch.serve("w", deliver))

        journal.tell("started", *make())
        await journal.settled()
        group.start_soon(serve)
        await anyio.wait_all_tasks_blocked()
        assert len(told) == 1
        for number in range(2, 3000):
            journal.tell("started", *make(number))
        await journal.settled()
        reading.set()

    assert len(told) == 1
    assert reasons[0] is not None
