"""``persistproc attach`` to processes without a terminal: line by line, from a terminal and from a pipe."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests.cli.support import CLI, Cli
from tests.cli.window import DETACH, window
from tests.kit import Daemon, program, read_until


def start(cli: Cli, name: str = "echo", *command: str) -> None:
    """Start a process without a terminal."""
    cli.began(name, *(command or program("echo_stdin")))


def attach(cli: Cli, name: str, text: str) -> subprocess.CompletedProcess[str]:
    """Attach with a pipe on standard input; returns when the process has ended."""
    return subprocess.run(
        [*CLI, "attach", name],
        cwd=cli.project,
        env=cli.variables(),
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=20,
    )


@pytest.mark.parametrize(("key", "code"), [("\x03", 0), (DETACH, 0), ("\x04", 0)])
def test_lines_go_in_and_output_comes_out(cli: Cli, key: str, code: int) -> None:
    start(cli)
    with window(cli, "attach", "echo") as terminal:
        terminal.wait_for(r"attached to echo \(pid \d+\) line by line")
        terminal.wait_for("ready\r\n")
        terminal.type("hello\r")
        terminal.wait_for("hello\r\ngot: hello\r\n")
        terminal.type(key)
        left, shown = terminal.left()

    assert left == code
    assert "still runs" in shown
    assert "^Cpersistproc" not in shown, "a note of ours stands behind the echo of the key"
    assert "persistproc attach echo" in shown
    assert cli.processes()[0]["state"] == "running"


def test_output_cannot_act_on_the_terminal(cli: Cli) -> None:
    start(
        cli,
        "evil",
        "sh",
        "-c",
        r"printf '\033[31mred\033[0m \033]52;c;cm0=\a\033[2J\033[7;1Hend\n'; sleep 1000",
    )
    with window(cli, "attach", "evil") as terminal:
        shown = terminal.wait_for("end\r\n")
        terminal.type("\x03")
        terminal.left()

    assert "\x1b[31mred\x1b[0m end\r\n" in shown


def test_a_question_comes_last(cli: Cli) -> None:
    # What is written to both streams in one moment has no order between the two.
    later = "until [ -e go ]; do sleep 0.02; done; echo trouble >&2"
    script = f"printf 'a\\nb\\ngo on? '; {later}; read answer; echo \"said $answer\""
    start(cli, "ask", "sh", "-c", script)
    cli.said("ask", "go on")
    (cli.project / "go").touch()
    cli.said("ask", "trouble")
    with window(cli, "attach", "ask") as terminal:
        terminal.wait_for("b\r\ntrouble\r\ngo on\\? ")
        terminal.type("y\r")
        terminal.wait_for("said y")
        code, _shown = terminal.left()

    assert code == 0


def test_a_pipe_is_sent_and_the_output_followed_to_the_end(cli: Cli) -> None:
    start(cli, "ask", "sh", "-c", "printf 'go on? '; read answer; echo \"said $answer\"; exit 7")
    finished = attach(cli, "ask", "y\n")

    assert finished.stdout == "go on? said y\n"
    assert finished.returncode == 7
    assert "ask ended with exit code 7" in finished.stderr


def test_a_long_input_through_a_pipe_arrives_whole(cli: Cli) -> None:
    start(cli, "count", "sh", "-c", "head -c 3000000 | cksum")
    text = "".join(f"{number:015d}\n" for number in range(3_000_000 // 16))
    expected = subprocess.run(["cksum"], input=text, capture_output=True, encoding="utf-8", check=True).stdout
    finished = attach(cli, "count", text)

    assert finished.stdout == expected


def test_the_daemon_is_killed_meanwhile(cli: Cli, daemon: Daemon) -> None:
    start(cli)
    command = [*CLI, "attach", "echo"]
    with subprocess.Popen(
        command,
        cwd=cli.project,
        env=cli.variables(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        assert read_until(client.stdout.fileno(), b"ready\n", 20) == b"ready\n"
        client.stdin.write(b"before\n")
        assert read_until(client.stdout.fileno(), b"before\n", 20) == b"got: before\n"
        daemon.kill()
        client.stdin.write(b"after\n")
        assert read_until(client.stdout.fileno(), b"after\n", 20) == b"got: after\n"
        client.send_signal(signal.SIGTERM)
        _out, err = client.communicate(timeout=20)

    assert client.returncode == 0
    assert b"still runs" in err


def test_a_restart_is_followed(cli: Cli) -> None:
    start(cli)
    with window(cli, "attach", "echo") as terminal:
        terminal.wait_for("ready\r\n")
        cli("restart", "echo", check=0)
        terminal.wait_for(r"this is run 2.*\r\nready\r\n")
        terminal.type("again\r")
        terminal.wait_for("got: again\r\n")
        cli("stop", "echo", check=0)
        code, shown = terminal.left()

    assert code == 128 + signal.SIGTERM
    assert "was stopped" in shown
