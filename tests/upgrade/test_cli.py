"""People who look at processes while the daemon is replaced, and the command that replaces it."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.support import Cli
from tests.daemon.hub import Hub
from tests.kit import program, read_line, read_until
from tests.upgrade.copies import Copy


@pytest.fixture
def cli(own: Hub) -> Cli:
    """The command line in the project."""
    return Cli(own.daemon.home, own.project)


def restart(own: Hub, cli: Cli) -> str:
    """Replace the daemon; what was said."""
    said = cli("daemon", "restart", check=0).stdout
    own.forget_connections()
    with own.daemon.connect() as connection:
        own.daemon.pid = connection.hello["pid"]
    return said


def test_nobody_who_looks_notices(own: Hub, cli: Cli) -> None:
    own.start(program("steady_writer", 3), name="writer")
    own.ready(program("echo_stdin"), name="echo")
    with (
        cli.start("run", "--on-exit", "stop", "--", *program("steady_writer", 2)) as runner,
        cli.start("logs", "-f", "-n", "all", "writer", "echo") as follower,
        cli.terminal("attach", "echo") as terminal,
    ):
        assert runner.stdout is not None
        assert follower.stdout is not None
        assert read_line(runner.stdout, 20) == b"out 0"
        terminal.type("one\r")
        terminal.wait_for("got: one")
        for number in range(2):
            said = restart(own, cli)
            assert re.fullmatch(
                r"daemon (\S+) \(pid \d+\) replaced by \1 \(pid \d+\); 3 processes were not touched\n", said
            )
            terminal.type(f"again {number}\r")
            terminal.wait_for(f"got: again {number}")
        own.stop("writer")
        own.stop("echo")
        count = 100 + int(read_line(runner.stdout, 20).split()[1])
        shown = read_until(runner.stdout.fileno(), b"out %d\n" % count, 30)
        runner.send_signal(signal.SIGINT)
        runner.communicate(timeout=30)
        followed, said_to_follower = follower.communicate(timeout=30)
        terminal.wait()

    assert next(line for line in shown.splitlines() if line.startswith(b"out ")) == b"out 2"
    assert runner.returncode == 130
    lines = [line.partition(b" | ")[2] or line for line in followed.splitlines()]
    out = [line for line in lines if line.startswith(b"out ")]
    assert out == [*(b"out %d" % number for number in range(len(out) - 1)), b"out end %d" % (len(out) - 1)]
    assert [line for line in lines if line.startswith(b"got: ")] == [b"got: one", b"got: again 0", b"got: again 1"]
    assert b"daemon" not in said_to_follower


def test_a_new_one_that_does_not_start(own: Hub, tmp_path: Path) -> None:
    """A broken installation: the command itself still runs, what it starts does not."""
    broken = Copy(tmp_path, "9.9.1")
    broken.put(
        "persistproc_core/daemon/app.py", r"(?m)^class Daemon:", "raise ImportError('half installed')\nclass Daemon:"
    )
    refused = subprocess.run(
        [*broken.cli, "daemon", "restart"],
        env=broken.environment,
        capture_output=True,
        encoding="utf-8",
        timeout=40,
    )
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr == (
        "persistproc: the new daemon did not come to serve: it exited with code 1: ImportError: half installed "
        "(the old one goes on, and nothing was lost)\n"
    )
    assert own.connection.hello["pid"] == own.daemon.pid
