"""A program that cannot take the keeper's place: the one that serves goes on, and loses nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests.keeper.programs import Copy
from tests.keeper.rig import PROGRAM, Keeper, Refused
from tests.keeper.test_upgrade import FULL, is_complete, written
from tests.kit import program

BEGUN = "    state = State.of(home.socket, table.fields)"
IN_EARNEST = 'if mode == "--table": '


@pytest.fixture
def newer(tmp_path: Path) -> Copy:
    """The program of version 2, which a test then spoils."""
    return Copy(tmp_path, 2)


@pytest.fixture
def writing(keeper: Keeper) -> Keeper:
    """A keeper with a run that writes all the time."""
    keeper.start("r", program("steady_writer", 0.3, 40))
    keeper.await_output("r", b"out 10 ")
    return keeper


def is_well(keeper: Keeper) -> bool:
    """True when the run has gone on, every byte once, and its exit code comes to the old program."""
    assert keeper.link.ask("hello", b"1")[0] == b"1"
    keeper.await_output("r", b"out %d " % (written(keeper, "r") + 100))
    assert keeper.signal("r", signal.SIGTERM) == b"sent"
    assert keeper.link.event("exited", "r")[0].startswith(b"exit 0 ")
    folder = keeper.folder("r")
    return is_complete(folder.stdout, b"out") and is_complete(folder.stderr, b"err")


def refusal(keeper: Keeper, program: Path) -> str:
    with pytest.raises(Refused) as caught:
        keeper.upgrade(program)
    assert caught.value.stage == "upgrade"
    return caught.value.detail.decode()


Case = tuple[Callable[[Copy], object], str]

SPOILED: dict[str, Case] = {
    "a syntax error": (lambda copy: copy.change("run.py", "class Run:", "class Run"), "SyntaxError"),
    "no such file": (lambda copy: copy.program.unlink(), "No such file"),
    "it raises when it takes over": (lambda copy: copy.insert("main.py", BEGUN, "1 / 0"), "ZeroDivisionError"),
    "it ends": (lambda copy: copy.insert("main.py", BEGUN, "os._exit(0)"), "without a word"),
    "it hangs": (lambda copy: copy.insert("main.py", BEGUN, "import time; time.sleep(60)"), "within 1 s"),
    "it wants another table": (lambda copy: copy.change("table.py", 'b"persist', 'b"other'), "ValueError"),
}


def some(cases: dict[str, Case], *usual: str) -> list[ParameterSet]:
    """All of them, or a few, where time is short."""
    return [pytest.param(*case, id=name) for name, case in cases.items() if FULL or name in usual]


@pytest.mark.parametrize(("spoil", "said"), some(SPOILED, "a syntax error", "it hangs"))
def test_what_the_dry_run_finds(
    dormant: Keeper, newer: Copy, tmp_path: Path, spoil: Callable[[Copy], object], said: str
) -> None:
    """It runs beside the keeper, which goes on moving bytes meanwhile."""
    impatient = Copy(tmp_path / "impatient")
    impatient.change("upgrade.py", "_CHECK_SECONDS = 10", "_CHECK_SECONDS = 1")
    dormant.program = impatient.program
    dormant.launch()
    dormant.start("r", program("steady_writer", 0.3, 40))
    spoil(newer)
    request = dormant.ask_to_upgrade(newer.program)
    dormant.await_output("r", b"out 100 ")
    with pytest.raises(Refused) as caught:
        dormant.link.answer(request)
    assert said in caught.value.detail.decode()
    assert is_well(dormant)


LATE: dict[str, Case] = {
    "it raises": (lambda copy: copy.insert("main.py", BEGUN, f"{IN_EARNEST}1 / 0"), "ZeroDivisionError"),
    "it exits": (lambda copy: copy.insert("main.py", BEGUN, f"{IN_EARNEST}raise SystemExit(1)"), "SystemExit"),
    "it hangs": (lambda copy: hang(copy), "TimeoutError"),
    "a syntax error comes in between": (lambda copy: copy.insert("main.py", BEGUN, torn(copy)), "SyntaxError"),
}


def hang(copy: Copy) -> None:
    copy.change("__main__.py", "_SECONDS = 10", "_SECONDS = 1")
    copy.insert("main.py", BEGUN, f"{IN_EARNEST}import time; time.sleep(60)")


def torn(copy: Copy) -> str:
    """The dry run itself spoils a file that the second execution needs."""
    path = str(copy.folder / "program.py")
    return f"open({path!r}, 'w', encoding='utf-8').write('class')"


@pytest.mark.parametrize(("spoil", "said"), some(LATE, "it raises", "a syntax error comes in between"))
def test_what_the_dry_run_does_not_find(
    writing: Keeper, newer: Copy, spoil: Callable[[Copy], object], said: str
) -> None:
    """The new program executes the old one again."""
    spoil(newer)
    pid = writing.pid
    assert said in refusal(writing, newer.program)
    assert int(writing.link.ask("hello", b"1")[1]) == pid
    assert writing.upgrade(PROGRAM) == 1
    assert is_well(writing)


@pytest.mark.parametrize("kept", ["in memory", "on disk"] if FULL else ["on disk"])
def test_when_the_files_of_the_old_one_were_replaced(dormant: Keeper, tmp_path: Path, kept: str) -> None:
    """As a package manager does: the old program is in a file without a name, and comes back as often as need be."""
    copy = Copy(tmp_path)
    if kept == "on disk":
        copy.change("table.py", 'hasattr(os, "memfd_create")', "False")  # as on macOS
    dormant.program = copy.program
    dormant.launch()
    dormant.start("r", program("steady_writer", 0.3, 40))
    copy.change("wire.py", "\nVERSION = 1\n", "\nVERSION = 2\n")
    copy.insert("main.py", BEGUN, f"{IN_EARNEST}1 / 0")
    for _ in range(2):
        assert "ZeroDivisionError" in refusal(dormant, copy.program)
    assert is_well(dormant)


def test_a_program_that_ends_the_keeper(writing: Keeper, newer: Copy) -> None:
    """What cannot be caught is as if the keeper had been killed: the next one loses no byte."""
    newer.insert("main.py", BEGUN, f"{IN_EARNEST}os._exit(9)")
    writing.ask_to_upgrade(newer.program)
    assert writing.link.ended()
    assert writing.wait() == 9
    writing.launch()
    writing.adopt("r")
    writing.await_output("r", b"out %d " % (written(writing, "r") + 100))
    os.kill(writing.folder("r").spawned()[0], signal.SIGTERM)
    writing.await_output("r", b"out end")
    writing.link.ask("drain", b"r")
    assert is_complete(writing.folder("r").stdout, b"out")


def test_requests_that_make_no_sense(writing: Keeper, newer: Copy) -> None:
    for fields in ([], [b"python"], [b"python", b"relative"], [b"/nonexistent/python", os.fsencode(PROGRAM)]):
        with pytest.raises(Refused):
            writing.link.ask("upgrade", *fields)
    pause = newer.pause("main.py", BEGUN, "True")
    writing.ask_to_upgrade(newer.program)
    pause.reached()
    with pytest.raises(Refused) as caught:
        writing.upgrade(PROGRAM)
    assert b"under way" in caught.value.detail
    writing.connect()  # the next daemon: who asked for it is gone
    pause.over()
    assert is_well(writing)
