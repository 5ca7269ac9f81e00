"""A record is loaded, set aside or left alone whatever has happened to its bytes; nothing that is loaded can raise."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from persistproc_core.daemon.adopting.followed import FollowedFile
from persistproc_core.daemon.kernel.identity import Handle, Identity, is_alive
from persistproc_core.daemon.model import Cause, Outcome, Protection, Run
from persistproc_core.daemon.record import Record, dump, parse
from persistproc_core.daemon.requests import own_stop
from persistproc_core.daemon.settings import Options, Settings
from persistproc_core.daemon.states import Event
from persistproc_core.daemon.store import Store
from persistproc_core.daemon.words.command import parse_command

RUN_ID = "web.3.0badcafe"
FULL = os.environ.get("TESTS_FULL") == "1"


def golden(directory: str, *, ended: bool = False) -> Record:
    """A record with something in every field."""
    run = Run(
        run_id=RUN_ID,
        number=3,
        directory=directory,
        command=parse_command("PORT=1 npm run dev -- --name 'ä b'"),
        working_directory="/home/me/shop",
        settings=Settings(
            0o27,
            (("nofile", 1024, 4096),),
            (1, 13),
            True,
            30,
            100,
            1_000_000,
            7,
            shell=True,
            ports=({"name": "web", "prefer": 3000, "variable": "PORT"},),
            assigned_ports=(("web", 24611),),
            ready={"url": "http://127.0.0.1:24611/", "timeout_seconds": 20.0},
            liveness={"port": "web", "failures": 2},
            watch=("src/**/*.py",),
            watch_signal="SIGHUP",
            stop_signal="SIG41",
            stop_grace_seconds=2.5,
            tags=("front",),
            asked=("serve", "{port}"),
            defined=True,
            variables=("PATH",),
        ),
        started_at="2026-01-02T03:04:05.678Z",
        started_by={"name": "cursor", "version": "1.2", "pid": 4242, "directory": "/home/me"},
        boot_id="6d0c5b0e-2a0d-4c4e-9d0a-3a6f1f1f0e11",
        start_reason="after the upgrade",
        replaced_run=2,
        state="running",
        identity=Identity("6d0c5b0e-2a0d-4c4e-9d0a-3a6f1f1f0e11", 123456, 987654321),
        reason="started by cursor",
        added_variables=("FORCE_COLOR", "PERSISTPROC_RUN"),
        adopted=True,
        followed=(FollowedFile("stderr", "/home/me/shop/web.log", 65024, 2**63 + 5, -17),),
    )
    if ended:
        run.stop = Cause("stopped", {"name": "cli"}, "lunch")
        run.advance(Event.STOP_ASKED)
        run.finish(Outcome(None, 15, 1_767_323_045_678_000_000), "2026-01-02T04:00:00.000Z")
        run.gone.set()
    protection = Protection({"name": "cursor"}, "mine", "2026-01-02T03:04:06.000Z")
    return Record("web", "/home/me/shop", run, protection, Options("on-failure", True, 7200.0, 60.5))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the run."""
    path = tmp_path / RUN_ID
    path.mkdir()
    (path / "stdout-00000000000000000000.log").touch()
    return path


@pytest.mark.parametrize("ended", [False, True], ids=["live", "ended"])
def test_what_is_written_is_read(folder: Path, ended: bool) -> None:
    content = dump(golden(str(folder), ended=ended))
    (folder / "record.json").write_bytes(content)
    (record,), problems = Store(str(folder.parent)).load()
    assert problems == []
    assert dump(record) == content
    assert record.run.gone.is_set() == ended


def torn(content: bytes) -> Iterator[bytes]:
    """The content cut at each byte, and with each byte changed in a few ways."""
    changes = (0x02, 0x20, 0x81)
    for place, byte in enumerate(content):
        if FULL or place % 4 == 0:
            yield content[:place]
        for change in changes if FULL else (changes[place % 3],):
            yield content[:place] + bytes([byte ^ change]) + content[place + 1 :]


def test_a_record_torn_at_every_byte(folder: Path) -> None:
    path, aside = folder / "record.json", folder / "record.unreadable"
    store = Store(str(folder.parent))
    counts = {"loaded": 0, "set aside": 0, "newer": 0}
    for content in torn(dump(golden(str(folder)))):
        path.write_bytes(content)
        records, problems = store.load()
        if records:
            counts["loaded"] += 1
            check_usable(records[0])
            assert path.exists()
        elif store.newer:
            counts["newer"] += 1
            assert path.read_bytes() == content
        else:
            counts["set aside"] += 1
            assert len(problems) == 1
            assert aside.read_bytes() == content
    assert counts["set aside"] > counts["loaded"] > 100
    assert counts["newer"] < 5


def check_usable(record: Record) -> None:
    """What later code does with a record must not raise."""
    assert json.loads(dump(record))["run_id"] == RUN_ID
    for text in (record.project_directory, record.run.working_directory, *record.run.command.argv):
        os.fsencode(text)
    own_stop(record.run.settings)
    identity = record.run.identity
    if identity is not None:
        is_alive(identity)
        handle = Handle.open(identity)  # of another boot: none
        assert handle is None


def test_what_we_never_wrote_is_no_record(folder: Path) -> None:
    """Each of these would fail later, and perhaps for all processes at once."""
    good: dict[str, Any] = json.loads(dump(golden(str(folder))))
    wrong: dict[str, list[object]] = {
        "format": [0, -1, "1", None, True],
        "name": ["", "a/b", "7", "-x", "a\nb", 5, "x" * 65],
        "number": [0, -3, 2**40, 1.5],
        "argv": [[], [""], ["a\0b"], ["\ud800"], "ls", None],
        "working_directory": ["", "shop", "/a\0b", "/\ud800"],
        "project_directory": ["shop", None],
        "started_at": ["", "now", "2026-13-01T00:00:00.000Z", "2026-01-02 03:04", None],
        "ended_at": ["yesterday", 5],
        "state": ["asleep", None, {}],
        "identity": [[], ["b", 1], ["b", 0, 1], ["b", -5, 1], ["b", 2**31, 1], ["b", 5, -1], ["b", 5, 2**63], 7],
        "restarts": [-1, None],
        "settings": [
            None,
            {},
            *({**good["settings"], **each} for each in ({"rows": 0}, {"umask": -1})),
            *({**good["settings"], each: "SIGNOT"} for each in ("stop_signal", "watch_signal")),
        ],
        "options": [None, {**good["options"], "ttl_seconds": float("nan")}, {**good["options"], "restart": "often"}],
        "started_by": [None, {}, {"name": 5}],
    }
    for field, values in wrong.items():
        for value in values:
            assert is_refused({**good, field: value}, str(folder)), (field, value)
        assert is_refused({name: given for name, given in good.items() if name != field}, str(folder)), field


def is_refused(value: dict[str, object], folder: str) -> bool:
    try:
        parse(value, folder)
    except (ValueError, KeyError, TypeError, AttributeError):
        return True
    return False


def test_a_write_that_fails_leaves_the_old_record(folder: Path, limited: Callable[[int], None]) -> None:
    """A limit of so many bytes a file is a disk that is full after so many."""
    store = Store(str(folder.parent))
    old, new = dump(golden(str(folder))), dump(golden(str(folder), ended=True))
    store.write(str(folder), old)
    for most in range(0, len(new), 97):
        limited(most)
        with pytest.raises(OSError, match="File too large"):
            store.write(str(folder), new)
        with pytest.raises(OSError, match="File too large"):
            store.create(str(folder.parent / f"other.{most}"), new)
        limited(-1)
        assert (folder / "record.json").read_bytes() == old
        assert not (folder.parent / f"other.{most}").exists()
    store.write(str(folder), new)
    assert store.load()[0][0].run.state == "stopped"


@pytest.fixture
def limited() -> Iterator[Callable[[int], None]]:
    """Sets the size that a file written by this process may have; -1: as before."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, before if size < 0 else (size, before[1]))

    yield limit
    limit(-1)
