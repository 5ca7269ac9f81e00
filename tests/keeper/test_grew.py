"""``grew`` comes once for each watch, and never too seldom: who waits for output is woken."""

from __future__ import annotations

import pytest

from tests.keeper.rig import Keeper
from tests.kit import eventually, program


def watch(keeper: Keeper, stdout: int, stderr: int = 0, run_id: str = "r") -> None:
    keeper.link.tell("watch", run_id.encode(), b"%d" % stdout, b"%d" % stderr)


def echo(keeper: Keeper, text: bytes) -> bytes:
    keeper.write("r", text + b"\n")
    return b"got: " + text + b"\n"


@pytest.fixture
def echoing(keeper: Keeper) -> Keeper:
    """A keeper with a run ``r`` that has printed ``ready``."""
    keeper.start("r", program("echo_stdin"))
    keeper.await_output("r", b"ready\n")
    return keeper


def test_growth_that_was_there_before_the_watch_is_told_at_once(echoing: Keeper) -> None:
    watch(echoing, 0)
    echoing.link.event("grew", "r")


def written(keeper: Keeper, text: bytes) -> bool:
    """True when the text is in the log; asked without any watch."""
    keeper.link.ask("drain", b"r")
    return text in keeper.folder("r").stdout


def test_nothing_is_told_unasked_or_twice(echoing: Keeper) -> None:
    echo(echoing, b"1")
    eventually(lambda: written(echoing, b"got: 1\n"))
    assert echoing.link.events() == []
    watch(echoing, len(echoing.folder("r").stdout))
    for number in range(2, 20):
        echo(echoing, b"%d" % number)
    eventually(lambda: written(echoing, b"got: 19\n"))
    assert echoing.link.events() == [[b"grew", b"r"]]


def test_each_line_of_a_hundred_is_told(echoing: Keeper) -> None:
    size = len(b"ready\n")
    for number in range(100):
        watch(echoing, size)
        size += len(echo(echoing, b"%d" % number))
        echoing.link.event("grew", "r", 3)
        while len(echoing.folder("r").stdout) < size:  # told while the line was still being written
            watch(echoing, len(echoing.folder("r").stdout))
            echoing.link.event("grew", "r", 3)


def test_a_watch_at_the_end_waits(echoing: Keeper) -> None:
    watch(echoing, len(b"ready\n"))
    assert echoing.link.events() == []
    echo(echoing, b"x")
    echoing.link.event("grew", "r")


def test_stderr_counts_as_well(keeper: Keeper) -> None:
    keeper.start("r", ["sh", "-c", "read line; echo oops >&2; sleep 1000"])
    watch(keeper, 0)
    keeper.write("r", b"\n")
    keeper.link.event("grew", "r")
    assert keeper.folder("r").stderr == b"oops\n"


def test_the_last_bytes_are_told_before_the_end(keeper: Keeper) -> None:
    keeper.start("r", ["sh", "-c", "read line; echo bye"])
    watch(keeper, 0)
    keeper.write("r", b"\n")
    keeper.link.event("exited", "r")
    assert [b"grew", b"r"] in keeper.link.events() or keeper.folder("r").stdout == b"bye\n"


def test_a_watch_on_what_is_not_there_is_ignored(keeper: Keeper) -> None:
    watch(keeper, 0, run_id="never")
    assert keeper.link.events() == []
    assert keeper.log() == ""


def test_drain_brings_all_that_was_written_before(keeper: Keeper) -> None:
    """An answer to ``drain`` is the proof that a reader of the log sees what was written until then."""
    keeper.start("r", program("echo_stdin"))
    for number in range(20):
        keeper.write("r", b"%d\n" % number)
    keeper.await_output("r", b"got: 19\n")
    keeper.link.ask("drain", b"r")
    last = keeper.folder("r").marks()[-1]
    assert last.stdout == len(keeper.folder("r").stdout)
