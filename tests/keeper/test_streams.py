"""FIFOs are what programs expect of their standard streams, and what a plain file is not."""

from __future__ import annotations

import pytest

from tests.keeper.rig import Keeper
from tests.kit import is_alive, program


def test_reopening_by_name_loses_nothing(keeper: Keeper) -> None:
    """``echo x > /dev/stderr`` opens with O_TRUNC: a log that the child writes itself would be erased."""
    folder = keeper.run("r", program("reopen_streams"))
    assert folder.stdout.split() == b"first reopened shell tee last".split()
    assert folder.stderr.split() == b"first reopened shell tee last".split()


@pytest.mark.parametrize("path", ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"])
def test_a_hundred_reopenings(keeper: Keeper, path: str) -> None:
    script = f"for i in $(seq 100); do echo $i > {path}; echo $i | tee {path} >/dev/null; done"
    folder = keeper.run("r", ["sh", "-c", script])
    assert folder.stderr.split() == [b"%d" % number for number in range(1, 101) for _ in range(2)]


def test_stdin_never_ends(keeper: Keeper) -> None:
    """esbuild, vite and tailwind --watch exit at the end of their standard input."""
    keeper.start("r", program("echo_stdin"))
    for number in range(3):
        keeper.write("r", b"%d\n" % number)  # opens and closes it each time
        keeper.await_output("r", b"got: %d\n" % number)
    assert b"eof" not in keeper.folder("r").stdout


def test_a_program_that_exits_at_the_end_of_its_input_stays(keeper: Keeper) -> None:
    pid = keeper.start("r", program("exit_on_eof"))
    keeper.await_output("r", b"ready")
    keeper.write("r", b"text\n")
    keeper.kill()
    keeper.launch()
    keeper.adopt("r")
    assert is_alive(pid)
    assert keeper.folder("r").stdout == b"ready\n"


def test_a_child_that_closes_its_streams_goes_on(keeper: Keeper) -> None:
    keeper.start("r", ["sh", "-c", "echo before; exec >&- 2>&-; read line <&0; exit 7"])
    keeper.await_output("r", b"before\n")
    keeper.write("r", b"\n")
    assert keeper.link.event("exited", "r")[0].startswith(b"exit 7 ")


def test_a_prompt_without_newline_is_there_at_once(keeper: Keeper) -> None:
    keeper.start("r", program("prompt"))
    keeper.await_output("r", b"name? ")
    keeper.write("r", b"Ada\n")
    keeper.link.event("exited", "r")
    assert keeper.folder("r").stdout == b"name? hello Ada\n"


def test_bytes_of_any_kind_are_kept_as_they_are(keeper: Keeper) -> None:
    data = bytes(range(256)) * 16
    folder = keeper.run("r", ["python3", "-c", "import sys; sys.stdout.buffer.write(bytes(range(256)) * 16)"])
    assert folder.stdout == data


def test_the_streams_are_kept_apart(keeper: Keeper) -> None:
    folder = keeper.run("r", program("alternate", 1000))
    assert folder.stdout == b"".join(b"%d\n" % number for number in range(0, 1000, 2))
    assert folder.stderr == b"".join(b"%d\n" % number for number in range(1, 1000, 2))
