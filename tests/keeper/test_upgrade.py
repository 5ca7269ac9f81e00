"""The keeper becomes another program: same pid, same children, every byte once, and the old one goes on if it fails."""

from __future__ import annotations

import hashlib
import os
import signal
from pathlib import Path

import pytest

from persistproc_core.keeper.wire import frame
from tests.keeper.programs import Copy
from tests.keeper.rig import PROGRAM, Keeper
from tests.kit import eventually, is_alive, program, wait_gone

FULL = os.environ.get("TESTS_FULL") == "1"
WRITERS = 20 if FULL else 5
SIZE = (24, 80)


@pytest.fixture
def newer(tmp_path: Path) -> Copy:
    """The program of version 2."""
    return Copy(tmp_path, 2)


def test_writers_over_five_upgrades_back_and_forth(keeper: Keeper, newer: Copy) -> None:
    """Not a byte is lost or doubled, every child is the keeper's child still, and every exit code comes."""
    names = [f"r{number}" for number in range(WRITERS)]
    keepers_pid = keeper.pid
    pids = {name: keeper.start(name, program("steady_writer", 1, 40)) for name in names}
    for number in range(5):
        seen = written(keeper, "r1")
        assert keeper.upgrade(PROGRAM if number % 2 else newer.program) == (1 if number % 2 else 2)
        keeper.await_output("r1", b"out %d " % (seen + 10))
    assert int(keeper.link.ask("hello", b"2")[1]) == keepers_pid
    for pid in pids.values():
        os.kill(pid, signal.SIGTERM)
    for name in names:
        assert keeper.link.event("exited", name)[0].startswith(b"exit 0 ")
        folder = keeper.folder(name)
        assert is_complete(folder.stdout, b"out")
        assert is_complete(folder.stderr, b"err")
        ends = [(mark.stdout, mark.stderr) for mark in folder.marks()]
        assert ends == sorted(ends)
        assert ends[-1] == (len(folder.stdout), len(folder.stderr))
    assert "Error" not in keeper.log()


def written(keeper: Keeper, name: str) -> int:
    return keeper.folder(name).stdout.count(b"\n")


def is_complete(data: bytes, name: bytes) -> bool:
    """Every line that the child says it has written is there once, in its order."""
    lines = [b" ".join(line.split()) for line in data.splitlines()]
    numbered = [b"%s %d" % (name, number) for number in range(len(lines) - 1)]
    return lines == [*numbered, b"%s end %d" % (name, len(numbered))]


def test_what_a_terminal_shows_and_takes(keeper: Keeper, newer: Copy) -> None:
    keeper.start("r", program("tell_size"), size=SIZE)
    keeper.start("echo", program("echo_stdin"), size=SIZE)
    keeper.await_output("echo", b"ready")
    keeper.await_output("r", b"24")
    keeper.upgrade(newer.program)
    keeper.write("echo", b"hello\n")
    keeper.await_output("echo", b"got: hello")
    assert keeper.link.ask("resize", b"r", b"33", b"99") == [b"resized"]
    keeper.await_output("r", b"33")
    keeper.upgrade(PROGRAM)
    keeper.kill()
    keeper.launch()
    keeper.adopt("echo", terminal=True)  # the holder has its master still
    keeper.write("echo", b"again\n")
    keeper.await_output("echo", b"got: again")


def test_what_is_being_typed(keeper: Keeper, newer: Copy) -> None:
    """A terminal takes 4 KiB; the rest waits, a part of it in the keeper's memory."""
    typed = bytes(range(33, 97)) * 512
    script = 'stty raw -echo; echo set; read go < "$0"; exec "$@"'
    gate = keeper.folder("r").path.with_name("gate")
    os.mkfifo(gate)
    keeper.start("r", ["sh", "-c", script, str(gate), *program("slow_reader", len(typed))], size=SIZE)
    keeper.await_output("r", b"set")
    keeper.write("r", typed)
    for target in (newer.program, PROGRAM):
        keeper.upgrade(target)
    gate.write_bytes(b"go\n")
    keeper.await_output("r", hashlib.sha256(typed).hexdigest().encode())


def test_requests_answers_and_watches_that_are_under_way(keeper: Keeper, newer: Copy) -> None:
    """A frame that has come in part, one that comes while nobody reads, and a watch."""
    keeper.start("r", program("echo_stdin"))
    keeper.await_output("r", b"ready\n")
    pause = newer.pause("main.py", "    state = State.of(home.socket, table.fields)", "mode == '--table'")
    keeper.link.tell("watch", b"r", b"6", b"0")
    request = keeper.ask_to_upgrade(newer.program)
    half = frame(b"list", b"half")
    keeper.link.send_bytes(half[:7])
    pause.reached()
    keeper.link.send_bytes(half[7:])
    late = keeper.link.send("list")
    pause.over()
    assert keeper.link.answer(request) == [b"2"]
    assert len(keeper.link.answer(b"half")) == len(keeper.link.answer(late)) == 1
    keeper.write("r", b"x\n")
    keeper.link.event("grew", "r")


def test_what_happens_while_nobody_is_there(keeper: Keeper, newer: Copy) -> None:
    """A child writes and ends, and somebody asks for another socket, just between the two programs."""
    pid = keeper.start("r", ["sh", "-c", "read line; echo bye; exit 7"])
    pause = newer.pause("main.py", "    state = State.of(home.socket, table.fields)", "mode == '--table'")
    request = keeper.ask_to_upgrade(newer.program)
    pause.reached()
    os.unlink(keeper.home.keeper_socket)
    os.kill(keeper.pid, signal.SIGUSR1)
    keeper.write("r", b"go\n")
    wait_gone(pid)
    pause.over()
    assert keeper.link.answer(request) == [b"2"]
    assert keeper.link.event("exited", "r")[0].startswith(b"exit 7 ")
    assert keeper.folder("r").stdout == b"bye\n"
    keeper.link.ask("list")  # answered when it is through with the signals that waited
    assert len(keeper.connect().ask("list")) == 1


def test_a_start_that_has_not_come_to_exec(dormant: Keeper, newer: Copy, tmp_path: Path) -> None:
    """Its report comes to the next program, which answers whom the former one would have answered."""
    slow = Copy(tmp_path / "slow")
    pause = slow.pause("spawn.py", '    stage, detail = b"exec", order.argv[0]'.replace("    ", "        ", 1), "True")
    dormant.program = slow.program
    dormant.launch()
    start = dormant.link.send("start", *dormant.order("good", ["sleep", "60"]))
    pause.reached()
    dormant.upgrade(newer.program)
    (listed,) = dormant.link.ask("list")
    assert b"starting" in listed
    pause.over()
    pid, _ = dormant.link.answer(start)
    assert is_alive(int(pid))
    assert dormant.signal("good", signal.SIGKILL) == b"sent"
    assert dormant.link.event("exited", "good")[0].startswith(b"signal 9 ")


def test_a_keeper_that_is_killed_right_after_it(keeper: Keeper, newer: Copy) -> None:
    pid = keeper.start("r", program("steady_writer", 0, 40))
    keeper.upgrade(newer.program)
    keeper.kill()
    keeper.launch()
    keeper.adopt("r")
    keeper.await_output("r", b"out %d " % (written(keeper, "r") + 100))
    os.kill(pid, signal.SIGTERM)
    wait_gone(pid)
    keeper.link.ask("drain", b"r")
    assert is_complete(keeper.folder("r").stdout, b"out")


def test_it_costs_nothing_that_stays(keeper: Keeper, newer: Copy) -> None:
    """Neither memory nor descriptors nor wake-ups, and the holder holds what it held."""
    keeper.start("r", program("sleeper"))
    keeper.start("t", program("sleeper"), size=SIZE)
    for number in range(50 if FULL else 4):
        assert keeper.upgrade(PROGRAM if number % 2 else newer.program)
        if number == 1:
            before = resident_kib(keeper.pid), descriptors(keeper.pid)
    assert resident_kib(keeper.pid) - before[0] < 512
    assert descriptors(keeper.pid) == before[1]
    eventually(lambda: children(keeper.pid) == 2, what="the children of the dry runs are reaped")
    assert any(woken(keeper) == 0 for _ in range(3))  # what it is at now may end


def resident_kib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text("ascii").split("VmRSS:")[1].split()[0])


def descriptors(pid: int) -> list[str]:
    """What is open, with whether a child would inherit it; the numbers of pipes and sockets are not told."""
    kinds = [os.readlink(f"/proc/{pid}/fd/{fd}").partition("[")[0] for fd in os.listdir(f"/proc/{pid}/fd")]
    flags = [Path(f"/proc/{pid}/fdinfo/{fd}").read_text("ascii") for fd in os.listdir(f"/proc/{pid}/fd") if int(fd) > 2]
    octal = [int(text.split("flags:")[1].split()[0], 8) for text in flags]
    assert all(flag & os.O_CLOEXEC for flag in octal)
    return sorted(kinds)


def children(pid: int) -> int:
    return len(Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split())


def woken(keeper: Keeper) -> int:
    """How often the keeper woke up in a fifth of a second in which nobody asked anything."""

    def read() -> int:
        status = Path(f"/proc/{keeper.pid}/status").read_text("ascii")
        return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])

    keeper.link.ask("list")
    before = read()
    keeper.link.silence(0.2)
    return read() - before
