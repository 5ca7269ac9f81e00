"""The power is cut after each step of what the store does: each disk that may be found loads as it was or as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from persistproc_core.daemon.model import Run
from persistproc_core.daemon.settings import Options, Settings
from persistproc_core.daemon.store import Record, Store, dump
from persistproc_core.daemon.words.command import Command
from tests.crash.power_loss import Recorder

RUN = "web.1.0a0b0c0d"


def record(folder: Path, *, autostart: bool, reason: str) -> Record:
    run = Run(
        run_id=RUN,
        number=1,
        directory=str(folder),
        command=Command(("npm", "run", "dev"), False, "npm run dev"),
        working_directory="/src",
        settings=Settings(),
        started_at="2026-01-01T00:00:00.000Z",
        started_by={"name": "cursor"},
        boot_id="b",
        reason=reason,
    )
    return Record("web", "/src", run, options=Options(autostart=autostart))


def found(root: Path) -> list[tuple[bool, str | None]]:
    records, _ = Store(str(root)).load()
    return [(record.options.autostart, record.run.reason) for record in records]


@pytest.mark.parametrize("durable", [True, False], ids=["configured", "ended"])
def test_a_disk_after_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    disk, recorder = Store(str(runs)), Recorder(monkeypatch, runs)
    first = record(runs / RUN, autostart=False, reason="first")
    second = record(runs / RUN, autostart=True, reason="second")
    disk.create(str(runs / RUN), dump(first))
    created = len(recorder.steps)
    disk.write(str(runs / RUN), dump(second), durable=durable)
    written = len(recorder.steps)
    monkeypatch.undo()
    for moment in range(written + 1):
        for after in recorder.disks(moment):
            after.build(tmp_path / "found")
            loaded = found(tmp_path / "found")
            if moment < created:
                assert loaded in ([], [(False, "first")])
            elif moment == written and durable:
                assert loaded == [(True, "second")]
            else:
                assert loaded in ([(False, "first")], [(True, "second")]), (moment, after)


def test_a_removed_run_is_there_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    disk, recorder = Store(str(runs)), Recorder(monkeypatch, runs)
    disk.create(str(runs / RUN), dump(record(runs / RUN, autostart=False, reason="first")))
    created = len(recorder.steps)
    disk.remove(RUN)
    monkeypatch.undo()
    for moment in range(created, len(recorder.steps) + 1):
        for after in recorder.disks(moment):
            after.build(tmp_path / "found")
            assert found(tmp_path / "found") in ([], [(False, "first")])
