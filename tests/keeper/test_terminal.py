"""A run with a terminal: it is one in every respect, nothing is lost either way, and it outlives the keeper."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.keeper.rig import Keeper, Refused
from tests.kit import is_alive, numbered, program, wait_gone

SIZE = (24, 80)
CTRL_C, CTRL_D, CTRL_Z = b"\x03", b"\x04", b"\x1a"


def test_all_three_streams_are_one_terminal_of_that_size(keeper: Keeper) -> None:
    script = "test -t 0 -a -t 1 -a -t 2 && tty && stty size && echo told >&2; echo from /dev/tty > /dev/tty"
    folder = keeper.run("r", ["sh", "-c", script], size=(30, 100))
    first, *lines = folder.stdout.split(b"\r\n")
    assert first.startswith(b"/dev/")
    assert lines == [b"30 100", b"told", b"from /dev/tty", b""]
    assert folder.stderr == b""
    assert folder.names() >= {"stdin", "marks", "ended"}
    assert "stderr" not in folder.names()


def test_a_new_size_is_signalled(keeper: Keeper) -> None:
    keeper.start("r", program("tell_size"), size=SIZE)
    keeper.await_output("r", b"24 x 80")
    assert keeper.link.ask("resize", b"r", b"10", b"999") == [b"resized"]
    keeper.await_output("r", b"10 x 999")
    keeper.write("r", CTRL_D)
    assert keeper.link.event("exited", "r")[0].startswith(b"exit 0 ")


def test_what_has_no_terminal_is_not_resized(keeper: Keeper) -> None:
    keeper.start("r", program("sleeper"))
    assert keeper.link.ask("resize", b"r", b"10", b"10") == [b"none"]
    assert keeper.link.ask("resize", b"never", b"10", b"10") == [b"none"]


def test_ctrl_c_interrupts(keeper: Keeper) -> None:
    keeper.start("r", program("echo_stdin"), size=SIZE)
    keeper.await_output("r", b"ready")
    keeper.write("r", CTRL_C)
    assert keeper.link.event("exited", "r")[0].startswith((b"signal 2 ", b"exit 1 ", b"exit 130 "))


def test_lines_are_there_without_a_flush(keeper: Keeper) -> None:
    """With a pipe, the C library and Python would keep them for themselves until there are some KiB."""
    keeper.start("r", ["python3", "-c", "import time; print('a line'); time.sleep(60)"], size=SIZE)
    assert keeper.await_output("r", b"\n") == b"a line\r\n"


def test_a_full_screen_program_gets_every_byte_that_is_typed(keeper: Keeper) -> None:
    keeper.start("r", program("raw_mode"), size=SIZE)
    keeper.await_output("r", b"ready")
    keeper.write("r", CTRL_C + CTRL_D + CTRL_Z + b"\r\x00\xff\x1b[A")
    keeper.write("r", b"q")
    keeper.link.event("exited", "r")
    screen = b"\x1b[?1049h\x1b[2J\x1b[Hready\r\n"
    assert keeper.folder("r").stdout == screen + b"<03><04><1a><0d><00><ff><1b><5b><41>\x1b[?1049l"


def test_a_shell_controls_its_jobs(keeper: Keeper) -> None:
    keeper.start("r", ["sh", "-i"], size=SIZE, environment={"PS1": "now> ", "ENV": "/dev/null"})
    keeper.await_output("r", b"now> ")
    keeper.write("r", b"cat; echo back $?\n")
    keeper.write("r", b"echoed\n")
    keeper.await_output("r", b"echoed\r\nechoed\r\n")
    keeper.write("r", CTRL_Z)
    keeper.await_output("r", b"Stopped")
    keeper.write("r", b"kill %1; fg; exit 3\n")
    assert keeper.link.event("exited", "r")[0].startswith(b"exit 3 ")
    assert b"job control turned off" not in keeper.folder("r").stdout


def test_the_last_bytes_are_in_the_log_when_the_end_is_told(keeper: Keeper) -> None:
    """Written in blocks, and line by line: the keeper then lets the terminal rest between two looks."""
    expected = b"".join(b"%d\r\n" % number for number in range(1, 1001))
    lines = "i=1; while [ $i -le 1000 ]; do echo $i; i=$((i + 1)); done"
    for number in range(50):
        command = ["seq", "1000"] if number % 2 else ["sh", "-c", lines]
        assert keeper.run(f"r{number}", command, size=SIZE).stdout == expected
        keeper.release(f"r{number}")


def test_more_than_the_terminal_holds(keeper: Keeper) -> None:
    folder = keeper.run("r", program("write_bytes", 2_000_000), size=SIZE)
    assert folder.stdout == numbered(2_000_000).replace(b"\n", b"\r\n")


def test_input_for_a_slow_reader_is_complete(keeper: Keeper) -> None:
    """100 KiB: ten times what FIFO, keeper and terminal hold without it. Nobody waits but who writes it."""
    data = numbered(100 * 1024)
    command = ["sh", "-c", 'stty -icanon -echo; exec "$@"', "sh", *program("slow_reader", len(data))]
    keeper.start("r", command, size=SIZE)
    keeper.await_output("r", b"ready")
    with open(keeper.folder("r").path / "stdin", "wb", buffering=0) as stdin:
        for start in range(0, len(data), 4096):
            assert stdin.write(data[start : start + 4096]) == 4096
    keeper.await_output("r", hashlib.sha256(data).hexdigest().encode())


def test_input_that_nobody_reads_costs_nothing(keeper: Keeper) -> None:
    """Neither memory nor time: what does not fit stays in the FIFO, and then with who writes."""
    keeper.start("r", ["sh", "-c", "stty -icanon -echo; echo ready; sleep 60"], size=SIZE)
    keeper.await_output("r", b"ready")
    fd = os.open(keeper.folder("r").path / "stdin", os.O_WRONLY | os.O_NONBLOCK)
    with open(fd, "wb", buffering=0) as stdin:
        while any(stdin.write(b"x" * 4096) for _ in range(100)):
            keeper.link.ask("list")  # answered when the keeper has passed on what it could
    assert is_idle(keeper)


def test_one_that_was_closed_by_all_is_read_again_when_somebody_opens_it(keeper: Keeper) -> None:
    """A hung-up terminal is reported by poll(2) for ever, which must not keep the keeper busy."""
    script = "tty; exec sleep 60 < /dev/null > /dev/null 2>&1"
    keeper.start("r", ["sh", "-c", script], size=SIZE)
    path = keeper.await_output("r", b"\n").decode().strip()
    keeper.link.ask("drain", b"r")
    keeper.write("r", b"early\n")
    assert is_idle(keeper)
    for text in (b"late", b"later"):
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, text)
        keeper.await_output("r", text)
        os.close(fd)
        assert is_idle(keeper)


def test_a_log_that_cannot_be_written_stops_nobody(keeper: Keeper) -> None:
    command = ["sh", "-c", 'stty -echo; read line; "$@"; read line', "sh", *program("write_bytes", 1_000_000)]
    keeper.start("r", command, size=SIZE)
    stdin = os.open(keeper.folder("r").path / "stdin", os.O_WRONLY | os.O_NONBLOCK)
    keeper.folder("r").delete()
    keeper.folder("r").path.touch()  # so that it cannot be made again
    with open(stdin, "wb", buffering=0) as file:
        file.write(b"go\n")
        assert int(keeper.link.event("lost", "r")[0]) > 0
        file.write(b"end\n")
    assert keeper.link.event("exited", "r")[0].startswith(b"exit 0 ")


def test_no_byte_is_lost_or_doubled_when_the_keeper_is_killed(keeper: Keeper) -> None:
    pid = keeper.start("r", program("steady_writer", "0", 40), size=SIZE)
    for number in range(1, 11):
        keeper.await_output("r", b"out %d " % (number * 100))
        keeper.kill()
        keeper.launch()
        keeper.adopt("r", terminal=True)
    os.kill(pid, signal.SIGTERM)
    wait_gone(pid)
    keeper.link.ask("drain", b"r")
    words = [line.split() for line in keeper.folder("r").stdout.splitlines()]
    lines = [int(line[-1] if line[1] == b"end" else line[1]) for line in words if line[0] == b"out"]
    assert lines == list(range(len(lines)))


def test_a_program_that_cannot_run_leaves_no_terminal(keeper: Keeper) -> None:
    before = len(os.listdir(f"/proc/{keeper.pid}/fd"))
    with pytest.raises(Refused) as caught:
        keeper.start("r", ["/no/such/program"], size=SIZE)
    assert caught.value.stage == "exec"
    keeper.link.ask("list")
    assert len(os.listdir(f"/proc/{keeper.pid}/fd")) == before


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("unshare") is None, reason="needs a mount namespace")
def test_when_there_is_no_terminal_left(dormant: Keeper) -> None:
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    dormant.launch(unshare, before="mount -t devpts -o max=1 devpts /dev/pts || exit 1")
    dormant.start("r", program("sleeper"), size=SIZE)
    before = len(os.listdir(f"/proc/{dormant.pid}/fd"))
    with pytest.raises(Refused) as caught:
        dormant.start("none", program("sleeper"), size=SIZE)
    assert (caught.value.stage, caught.value.errno) == ("terminal", errno.ENOSPC)
    assert len(os.listdir(f"/proc/{dormant.pid}/fd")) == before
    dormant.start("pipes", program("sleeper"))


def test_a_release_hangs_up_and_leaves_no_descriptor(keeper: Keeper) -> None:
    before = len(os.listdir(f"/proc/{keeper.pid}/fd"))
    keeper.run("r", ["true"], size=SIZE)
    keeper.release("r")
    assert len(os.listdir(f"/proc/{keeper.pid}/fd")) == before
    assert "stdin" not in keeper.folder("r").names()


def test_it_outlives_the_keeper(keeper: Keeper) -> None:
    """The holder has the terminal as well: the child gets no SIGHUP, and goes on with the next keeper."""
    pid = keeper.start("r", program("echo_stdin"), size=SIZE)
    keeper.await_output("r", b"ready\r\n")
    for number in range(3):
        keeper.kill()
        keeper.write("r", b"alone %d\n" % number)
        keeper.launch()
        keeper.adopt("r", terminal=True)
        keeper.await_output("r", b"got: alone %d\r\n" % number)
        assert keeper.link.ask("resize", b"r", b"%d" % (number + 1), b"10") == [b"resized"]
    keeper.write("r", CTRL_D)
    wait_gone(pid)
    keeper.link.ask("drain", b"r")
    words = [b"alone %d\r\ngot: alone %d\r\n" % (number, number) for number in range(3)]
    assert keeper.folder("r").stdout == b"ready\r\n" + b"".join(words) + b"eof\r\n"
    assert is_idle(keeper)


def test_without_keeper_and_holder_it_is_hung_up_and_its_log_stays(keeper: Keeper) -> None:
    pid = keeper.start("r", program("echo_stdin"), size=SIZE)
    keeper.await_output("r", b"ready\r\n")
    keeper.kill()
    os.kill(holder_of(keeper), signal.SIGKILL)
    wait_gone(pid)
    keeper.launch()
    keeper.adopt("r", terminal=True)
    keeper.link.ask("drain", b"r")
    assert keeper.link.ask("resize", b"r", b"1", b"1") == [b"none"]
    assert keeper.folder("r").stdout == b"ready\r\n"
    keeper.release("r")


def holder_of(keeper: Keeper) -> int:
    path = keeper.home.holder_socket.encode()
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == keeper.pid or not is_alive(int(name)):
            continue
        if path in Path(f"/proc/{name}/cmdline").read_bytes():
            return int(name)
    raise AssertionError("there is no holder")


def is_idle(keeper: Keeper) -> bool:
    """True when the keeper neither wakes up nor works while a child of its own sleeps; what it is at now may end."""
    return any(_is_quiet(keeper) for _ in range(3))


def _is_quiet(keeper: Keeper) -> bool:
    def read() -> tuple[int, int]:
        status = Path(f"/proc/{keeper.pid}/status").read_text("ascii").partition("\nvoluntary_ctxt_switches:")[2]
        times = Path(f"/proc/{keeper.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return int(status.split()[0]), sum(map(int, times[11:13]))

    name = f"quiet{len(os.listdir(keeper.home.runs))}"
    keeper.start(name, ["sleep", "0.2"])
    keeper.link.ask("list")
    before = read()
    keeper.link.event("exited", name)
    switches, ticks = (after - then for after, then in zip(read(), before, strict=True))
    return switches < 5 and ticks < 3
