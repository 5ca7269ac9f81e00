"""What a child is born with: its descriptors, signals, mask, limits, directory, session and environment."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.keeper.rig import Keeper
from tests.kit import program


@pytest.fixture
def born(keeper: Keeper) -> Callable[..., dict[str, Any]]:
    """Starts a child with the given options and returns what it found."""

    def start(**options: object) -> dict[str, Any]:
        folder = keeper.run("r", program("report_environment", "a b", ""), **options)
        assert folder.stderr == b""
        found: dict[str, Any] = json.loads(folder.stdout)
        assert found["ppid"] == keeper.pid
        assert found["arguments"] == ["a b", ""]
        return found

    return start


def test_descriptors_are_exactly_the_three_fifos(keeper: Keeper, born: Callable[..., dict[str, Any]]) -> None:
    """A child that inherits more keeps our sockets, locks and other children's FIFOs open for ever."""
    keeper.start("other", program("sleeper"))
    folder = keeper.folder("r").path
    assert born()["descriptors"] == {str(n): str(folder / name) for n, name in enumerate(("stdin", "stdout", "stderr"))}


def test_descriptors_are_fifos_that_hold_both_ends_open(keeper: Keeper) -> None:
    """Read-write: so neither SIGPIPE nor end-of-file comes when a keeper dies."""
    pid = keeper.start("r", program("sleeper"))
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        assert Path(f"/proc/{pid}/fd/{number}").is_fifo(), name
        flags = Path(f"/proc/{pid}/fdinfo/{number}").read_text("ascii").split("flags:")[1].split()[0]
        assert int(flags, 8) & os.O_ACCMODE == os.O_RDWR
        assert not int(flags, 8) & os.O_NONBLOCK


def test_the_child_leads_its_own_session_and_group(born: Callable[..., dict[str, Any]]) -> None:
    found = born()
    assert found["pid"] == found["pgid"] == found["sid"]


def test_no_signal_is_ignored_or_blocked(born: Callable[..., dict[str, Any]]) -> None:
    """Python ignores SIGPIPE and SIGXFSZ and the keeper ignores SIGTERM and others: none of it may be inherited."""
    found = born()
    # SIGINT: python itself installs a handler in the child after exec, so it is not ignored either.
    ignored = [signal.Signals(n).name for n in range(1, 32) if found["ignored"] >> (n - 1) & 1]
    # The child is a python, which by itself ignores these two.
    assert set(ignored) <= {"SIGPIPE", "SIGXFSZ"}
    assert found["blocked"] == 0


def signal_masks(text: bytes) -> dict[str, int]:
    lines = [line.split(":") for line in text.decode().splitlines()]
    # 32 and 33 are the C library's own; its posix_spawn(3) leaves them ignored (make starts us so), and nobody can send
    # them from outside of it.
    reserved = 1 << 31 | 1 << 32
    return {name: int(value, 16) & ~reserved for name, value in lines if name in ("SigIgn", "SigBlk")}


def test_a_program_that_changes_nothing_itself_finds_no_ignored_signal(keeper: Keeper) -> None:
    folder = keeper.run("r", ["grep", "^Sig", "/proc/self/status"])
    assert signal_masks(folder.stdout) == {"SigIgn": 0, "SigBlk": 0}


@pytest.mark.parametrize("numbers", [[signal.SIGHUP], [signal.SIGHUP, signal.SIGINT, signal.SIGPIPE]])
def test_signals_that_the_caller_ignores_stay_ignored(keeper: Keeper, numbers: list[int]) -> None:
    """As with nohup."""
    folder = keeper.run("r", ["grep", "^Sig", "/proc/self/status"], ignored=numbers)
    assert signal_masks(folder.stdout)["SigIgn"] == sum(1 << (number - 1) for number in numbers)


def test_signals_that_the_keeper_was_born_ignoring_do_not_reach_the_child(dormant: Keeper) -> None:
    """The daemon may have been started under nohup, or in the background of a shell without job control."""
    dormant.launch(before="trap '' HUP INT QUIT CHLD USR1 WINCH")
    folder = dormant.run("r", ["grep", "^Sig", "/proc/self/status"])
    assert signal_masks(folder.stdout) == {"SigIgn": 0, "SigBlk": 0}


def test_a_mask_of_blocked_signals_does_not_reach_the_child(dormant: Keeper) -> None:
    """Blocked signals survive fork and exec: a child of a careless starter would never see its SIGTERM."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR1])
    try:
        dormant.launch()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
    folder = dormant.run("r", ["grep", "^Sig", "/proc/self/status"])
    assert signal_masks(folder.stdout) == {"SigIgn": 0, "SigBlk": 0}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027, 0o777])
def test_the_umask_is_the_callers(born: Callable[..., dict[str, Any]], mask: int) -> None:
    assert born(umask=mask)["umask"] == mask


def test_the_umask_of_the_child_does_not_widen_our_files(keeper: Keeper) -> None:
    folder = keeper.run("r", ["echo"], umask=0)
    assert {path.name: path.lstat().st_mode & 0o077 for path in folder.path.iterdir()} == dict.fromkeys(
        folder.names(), 0
    )


def test_resource_limits_are_the_callers(born: Callable[..., dict[str, Any]]) -> None:
    found = born(limits=[("nofile", 123, 456), ("core", 0, 0), ("stack", 1 << 23, -1)])
    assert found["limits"]["nofile"] == [123, 456]
    assert found["limits"]["core"] == [0, 0]
    assert found["limits"]["stack"] == [1 << 23, resource.RLIM_INFINITY]


def test_the_directory_is_the_callers(born: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    assert born(cwd=str(tmp_path))["directory"] == str(tmp_path)


def test_the_environment_is_exactly_what_was_asked_for(keeper: Keeper) -> None:
    folder = keeper.run("r", ["env", "-0"], environment={"A": "1", "B": "two words\n", "C": "", "D": "ä=\udc80"})
    found = dict(entry.split(b"=", 1) for entry in folder.stdout.split(b"\0")[:-1])
    assert found.pop(b"A") == b"1"
    assert found.pop(b"B") == b"two words\n"
    assert found.pop(b"C") == b""
    assert found.pop(b"D") == "ä=".encode() + b"\x80"
    assert set(found) == {b"PATH", b"PERSISTPROC_TEST", b"PERSISTPROC_RUN"}


def test_arguments_arrive_byte_for_byte(keeper: Keeper) -> None:
    words: list[str | bytes] = ["printf", r"%s\0", "", " a  b ", "\n", "'\"$`\\", b"\xff\xfe", "*"]
    folder = keeper.run("r", words)
    assert folder.stdout.split(b"\0")[:-1] == [os.fsencode(word) for word in words[2:]]


def test_the_program_is_looked_up_on_the_childs_own_path(keeper: Keeper, tmp_path: Path) -> None:
    """Not on the keeper's: the caller's virtual environment is on the caller's PATH only."""
    for name, mode in (("a", 0o644), ("b", 0o755)):
        script = tmp_path / name / "tool"
        script.parent.mkdir()
        script.write_text(f"#!/bin/sh\necho {name}\n", "ascii")
        script.chmod(mode)
    path = f"/nonexistent:{tmp_path}/a/tool:{tmp_path}/a:{tmp_path}/b:/bin"
    assert keeper.run("r", ["tool"], environment={"PATH": path}).stdout == b"b\n"


def test_an_empty_path_entry_is_the_working_directory(keeper: Keeper, tmp_path: Path) -> None:
    """execvp(3) says so, and ``PATH=:...`` is common."""
    (tmp_path / "tool").write_text("#!/bin/sh\necho here\n", "ascii")
    (tmp_path / "tool").chmod(0o755)
    folder = keeper.run("r", ["tool"], environment={"PATH": ":/bin"}, cwd=str(tmp_path))
    assert folder.stdout == b"here\n"


def test_the_answer_is_the_pid_and_the_start_time_of_the_kernel(keeper: Keeper) -> None:
    pid, start = keeper.link.ask("start", *keeper.order("r", program("sleeper")))
    stat = Path(f"/proc/{int(pid)}/stat").read_text("ascii")
    assert int(start) == int(stat.rpartition(")")[2].split()[19])
    assert keeper.folder("r").spawned()[:2] == [int(pid), int(start)]


def test_a_child_survives_whatever_the_terminal_of_the_keeper_does(keeper: Keeper) -> None:
    """It has a session of its own: no controlling terminal, no foreground group."""
    pid = keeper.start("r", program("sleeper"))
    assert int(Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[4]) == 0  # tty_nr, proc(5)


def test_a_hundred_starts_leave_no_descriptor_behind(keeper: Keeper) -> None:
    before = len(os.listdir(f"/proc/{keeper.pid}/fd"))
    for number in range(50):
        keeper.run(f"r{number}", ["true"])
        keeper.release(f"r{number}")
    assert len(os.listdir(f"/proc/{keeper.pid}/fd")) == before


def test_the_keeper_runs_on_built_in_modules_alone() -> None:
    """What is imported costs every machine memory for ever, and a broken site-packages must not end it."""
    code = "import sys; sys.path.append(sys.argv[1]); import persistproc_core.keeper.main; print(*sys.modules)"
    root = str(Path(__file__).resolve().parents[2])
    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, root], capture_output=True, encoding="utf-8", check=True
    )
    unwanted = {"socket", "subprocess", "json", "typing", "re", "threading", "selectors", "logging", "asyncio", "enum"}
    assert not unwanted - {"enum", "re"} & set(said.stdout.split())
