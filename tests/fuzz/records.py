"""What the daemon reads when it starts, torn or changed at any byte: it loads, is set aside, or is refused."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from pathlib import Path

from persistproc_core.daemon.adopting.followed import FollowedFile
from persistproc_core.daemon.answers import bookmark_file
from persistproc_core.daemon.events import journal_file
from persistproc_core.daemon.keeping.config_file import CAREFUL, Config, ProcessLimits, parse
from persistproc_core.daemon.kernel.identity import Identity
from persistproc_core.daemon.logs.marks import Marks
from persistproc_core.daemon.logs.segments import Offsets
from persistproc_core.daemon.model import Cause, Protection, Run
from persistproc_core.daemon.record import Record, dump
from persistproc_core.daemon.settings import Options, Settings
from persistproc_core.daemon.store import Store, exit_record, spawned
from persistproc_core.daemon.words.command import parse_command
from persistproc_core.framing import decode
from persistproc_core.sizes import MAX_SIZE
from tests.fuzz.target import DiskTarget, Target

__all__ = ["Bookmarks", "Configuration", "Journal", "OutputMarks", "Records", "golden_record"]

_RUN_ID = "web.3.9f2c1a7b"
_EVENT = (
    b'{"sequence":%d,"time":"2026-03-01T10:00:00.000Z","type":"started","name":"web","project":"shop",'
    b'"project_directory":"/home/a/shop","run":3,"run_id":"web.3.9f2c1a7b","state":"running","pid":4711,'
    b'"by":{"name":"cursor","pid":12},"reason":"after a merge"}\n'
)
_CONFIG = b"""[output]
stream_bytes = "64 MiB"
total_bytes = 2147483648
runs = 20

[processes.web]
stream_bytes = "1 GiB"

[processes."shop/api"]
runs = 3
"""


def golden_record(directory: str) -> bytes:
    """A record in which nothing is empty, in the format of today."""
    run = Run(
        run_id=_RUN_ID,
        number=3,
        directory=directory,
        command=parse_command("PORT=3000 npm run dev"),
        working_directory="/home/a/shop",
        settings=Settings(0o22, (("nofile", 1024, -1),), (1, 15), True, 24, 80, 1 << 20, 5),
        started_at="2026-03-01T10:00:00.000Z",
        started_by={"name": "cursor", "version": "1", "pid": 12, "directory": "/home/a/shop", "session": "s"},
        boot_id="6b0f3b0e-8a6d-4c58-8f5c-1f5b6f3b2a11",
        start_reason="after a merge",
        replaced_run=2,
        state="stopped",
        identity=Identity("6b0f3b0e-8a6d-4c58-8f5c-1f5b6f3b2a11", 4711, 99),
        ended_at="2026-03-01T11:00:00.000Z",
        exit_code=0,
        signal="SIGTERM",
        reason="stopped by cursor",
        stop=Cause("stopped", {"name": "cursor"}, "done"),
        adopted=True,
        followed=(FollowedFile("stdout", "/home/a/shop/web.log", 65024, 2451215, -17),),
        added_variables=("FORCE_COLOR", "PORT"),
    )
    protection = Protection({"name": "persistproc-cli"}, "a demo", "2026-03-01T10:30:00.000Z")
    return dump(Record("web", "/home/a/shop", run, protection, Options("always", True, 7200.0, 1.5)))


class Records(DiskTarget):
    """The record of a run. Every cut and every flipped bit of the golden one come first."""

    name = "records"
    cases = 100_000

    def seeds(self) -> list[bytes]:
        whole = golden_record("/")
        cuts = [whole[:end] for end in range(len(whole) + 1)]
        flips = [
            whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :] for at in range(len(whole)) for bit in (1, 32, 128)
        ]
        return cuts + flips

    def make(self, chance: random.Random) -> bytes:
        if chance.randrange(4) == 0:
            return _another_value(golden_record("/"), chance)
        return self._mutator.mutated(chance)

    def check(self, case: bytes) -> int:
        folder = self.directory / _RUN_ID
        folder.mkdir(exist_ok=True)
        (folder / "record.json").write_bytes(case)
        store = Store(str(self.directory))
        records, problems = store.load()
        assert len(records) + len(problems) + len(store.newer) == 1, (records, problems, store.newer)
        aside = folder / "record.unreadable"
        if records:
            (record,) = records
            assert record.run.run_id == _RUN_ID
            # What was taken can be written again, and says the same then.
            assert json.loads(dump(record)) == json.loads(dump(_loaded(self.directory, dump(record))))
        elif aside.exists():
            assert aside.read_bytes() == case, "what was set aside is not what was there"
            aside.unlink()
        else:
            assert (folder / "record.json").read_bytes() == case, "what was refused is not there any more"
        for name in ("spawned", "ended"):
            (folder / name).write_bytes(case[:64])
        if records:
            spawned(records[0].run), exit_record(records[0].run)
        for name in ("spawned", "ended"):
            (folder / name).unlink()
        return 1


def _loaded(directory: Path, content: bytes) -> Record:
    (directory / _RUN_ID / "record.json").write_bytes(content)
    records, problems = Store(str(directory)).load()
    assert not problems, problems
    return records[0]


_VALUES: list[object] = [
    None,
    True,
    0,
    -1,
    1.5,
    2**63,
    10**400,
    float("inf"),
    float("nan"),
    "",
    "x",
    "\ud800",
    "a\0b",
    [],
    {},
    [[]],
    [1, 2, 3],
    ["a", 1, 2],
    {"name": 1},
]


def _another_value(whole: bytes, chance: random.Random) -> bytes:
    value = json.loads(whole)
    place = value
    key: object = chance.choice(sorted(value))
    while isinstance(place[key], (dict, list)) and place[key] and chance.randrange(3):
        place = place[key]
        key = chance.choice(sorted(place)) if isinstance(place, dict) else chance.randrange(len(place))
    if isinstance(place, dict) and chance.randrange(4) == 0:
        del place[key]
    else:
        place[key] = chance.choice(_VALUES)
    return json.dumps(value).encode("ascii")


class Journal(DiskTarget):
    """``events.jsonl``: what is loaded is in order and can be written again."""

    name = "journal"
    cases = 50_000

    def seeds(self) -> list[bytes]:
        lines = [_EVENT % number for number in range(1, 5)]
        return [b"".join(lines), lines[0], lines[0][:-1], b"".join(lines[::-1]), b"\n\n", b""]

    def check(self, case: bytes) -> int:
        path = self.directory / "events.jsonl"
        path.write_bytes(case)
        entries, whole = journal_file.load(str(path))
        numbers = [entry.sequence for entry in entries]
        assert numbers == sorted(set(numbers)), numbers
        for entry in entries:
            decode(entry.line)  # it goes to clients as it is
            assert 0 <= entry.sequence <= 2**53, "no client could ask for what comes after it"
        journal_file.replace(str(path), entries)
        again, clean = journal_file.load(str(path))
        assert clean, "what was written cannot be read"
        assert again == entries
        assert not whole or path.read_bytes() == case
        return 1


class Bookmarks(DiskTarget):
    """``marks.json``: what is loaded can be written again; what is not is set aside."""

    name = "bookmark"
    cases = 50_000

    def seeds(self) -> list[bytes]:
        marks = (bookmark_file.Bookmarked("before", 1, 1, {_RUN_ID: Offsets(10, 0)}),)
        path = Path(tempfile.mkdtemp(prefix="pp-fuzz-"))
        bookmark_file.write(str(path / "m"), {"/home/a/shop": bookmark_file.Kept(marks, {_RUN_ID: (Offsets(3, 4), 1)})})
        data = (path / "m").read_bytes()
        shutil.rmtree(path)
        return [data, *(data[:end] for end in range(len(data)))]

    def make(self, chance: random.Random) -> bytes:
        return _another_value(self._whole, chance) if chance.randrange(3) == 0 else self._mutator.mutated(chance)

    def check(self, case: bytes) -> int:
        path = self.directory / "marks"
        path.write_bytes(case)
        projects, problem = bookmark_file.load(str(path))
        if problem:
            assert not projects
            assert not path.exists()
            return 1
        bookmark_file.write(str(path), projects)
        assert bookmark_file.load(str(path)) == (projects, "")
        return 1

    @property
    def _whole(self) -> bytes:
        return self._mutator.first


class OutputMarks(DiskTarget):
    """``marks`` of a run: any bytes cost the order between the streams, and nothing else."""

    name = "marks"
    cases = 50_000

    def seeds(self) -> list[bytes]:
        whole = b"".join(number.to_bytes(8, "big") for at in range(20) for number in (10**18 + at, at * 10, at * 3))
        return [whole, whole[:-5], whole[:24], b"\0" * 48, b"\xff" * 48, b""]

    def check(self, case: bytes) -> int:
        (self.directory / "marks").write_bytes(case)
        with Marks(str(self.directory)) as marks:
            assert marks.count == len(case) // 24
            assert len(marks.read(0, marks.count)) == marks.count
            marks.last()
            for offset in (0, 15, 2**64):
                assert 0 <= marks.first_beyond(offset, offset) <= marks.count
            for time_ns in (0, 10**18 + 7, 2**64):
                marks.before(time_ns)
        return 1


class Configuration(Target):
    """``config.toml``: a value within its range, or what it was before and a sentence."""

    name = "config"
    cases = 50_000

    def seeds(self) -> list[bytes]:
        return [_CONFIG, b"", b"[output]\nruns = true\n", b"processes = 3\n", b'output.runs = "7"\n', b"[" * 50]

    def check(self, case: bytes) -> int:
        for before in (Config(), CAREFUL, Config(1, 1, 1, {"web": ProcessLimits(7, 7)})):
            config, problems = parse(case, before)
            assert 1 <= config.stream_bytes <= MAX_SIZE
            assert 1 <= config.total_bytes <= MAX_SIZE
            assert 1 <= config.runs <= 1000
            assert all(len(problem) < 1000 for problem in problems), problems
            for limits in config.processes.values():
                assert limits.runs is None or 1 <= limits.runs <= 1000
                assert limits.stream_bytes is None or 1 <= limits.stream_bytes <= MAX_SIZE
        return 1
