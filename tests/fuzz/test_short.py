"""A short form of ``python -m tests.fuzz``, and that a broken promise is found, saved and told."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest

from tests.fuzz.daemon import DaemonSocket
from tests.fuzz.keeper import KeeperSocket
from tests.fuzz.model import Model
from tests.fuzz.mutate import Mutator
from tests.fuzz.runner import Budget, run
from tests.fuzz.starts import Starts
from tests.fuzz.target import CORPUS, Target, corpus_line
from tests.fuzz.targets import TARGETS
from tests.kit import Daemon

SEED = 20260301
IN_PROCESS = [
    "framing",
    "frames",
    "sanitize",
    "command",
    "json",
    "config",
    "journal",
    "bookmark",
    "marks",
    "records",
    "project",
]


def expect_clean(target: Target, cases: int) -> None:
    figures = run(target, SEED, Budget(cases))
    assert figures.findings == []
    assert figures.cases >= cases


@pytest.mark.parametrize("name", IN_PROCESS)
def test_parsers_and_loaders(name: str) -> None:
    expect_clean(TARGETS[name](), 600)


def test_the_socket_of_a_daemon(shared_daemon: Daemon) -> None:
    expect_clean(DaemonSocket(shared_daemon), 600)


def test_the_socket_of_a_keeper() -> None:
    expect_clean(KeeperSocket(), 600)


def test_names_and_arguments(shared_daemon: Daemon) -> None:
    expect_clean(Starts(shared_daemon), 25)


def test_five_clients_and_deaths() -> None:
    model = Model()
    model.examples, model.steps = 1, 20
    expect_clean(model, 20)


class Broken(Target):
    """Cannot take a zero byte."""

    name = "broken"
    cases = 1000

    def seeds(self) -> list[bytes]:
        return [b"fine"]

    def check(self, case: bytes) -> int:
        assert b"\0" not in case, "a zero byte"
        return 1


def test_a_broken_promise_is_found_and_saved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    figures = run(Broken(), SEED, Budget(1000))

    assert figures.violations == len(figures.findings) == 10, "after ten it is known"
    assert "seed 20260301" in figures.findings[0]
    assert "AssertionError: a zero byte" in figures.findings[0]
    saved = list((tmp_path / "persistproc-fuzz").iterdir())
    assert saved
    assert all(path.name.startswith("broken-") and path.read_bytes() == b"\0" for path in saved), "not made shorter"
    assert all(any(str(path) in finding for finding in figures.findings) for path in saved)


def test_the_same_seed_makes_the_same_cases() -> None:
    one, other = (Mutator([b"abc", b'{"a": 1}']) for _ in range(2))
    assert [one.mutated(random.Random(n)) for n in range(50)] == [other.mutated(random.Random(n)) for n in range(50)]


def test_every_file_of_the_corpus_has_a_target() -> None:
    assert {path.stem for path in CORPUS.glob("*.txt")} <= TARGETS.keys()
    assert all(TARGETS[path.stem]().corpus() for path in CORPUS.glob("*.txt"))


def test_a_line_of_the_corpus_is_the_case() -> None:
    case = bytes(range(256)) + b"# \\n"
    assert corpus_line(case).encode("ascii").decode("unicode_escape").encode("latin-1") == case
    assert corpus_line(case).isprintable()
