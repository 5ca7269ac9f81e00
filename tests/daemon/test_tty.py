"""Processes with a terminal, over the socket: what a person at an own terminal would see, whoever dies meanwhile."""

from __future__ import annotations

import base64
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.hub import Hub
from tests.daemon.records import lose_record
from tests.kit import WireError, numbered, program, wait_gone

CTRL_C, CTRL_D = "\x03", "\x04"


def type_in(hub: Hub, process: str, text: str) -> None:
    """Input as a keyboard gives it: no newline is added."""
    hub.call("send_process_input", process, input=text, newline=False)


def ended(hub: Hub, process: str) -> dict[str, object]:
    result: dict[str, object] = hub.call("wait_for_process", process, exit=True, timeout_seconds=10)
    return result


def test_it_is_a_terminal_of_the_size_that_was_asked_for(hub: Hub) -> None:
    script = "test -t 0 -a -t 1 -a -t 2 && stty size; echo COLUMNS=$COLUMNS LINES=$LINES; echo error >&2"
    info = hub.finish(
        ["sh", "-c", script], name="t", tty=True, rows=30, columns=100, environment={"COLUMNS": "5", "LINES": "6"}
    )
    assert info["tty"] is True
    assert hub.lines("t") == ["30 100", "COLUMNS= LINES=", "error"]
    assert hub.lines("t", stream="stderr") == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [({}, "xterm-256color"), ({"TERM": "dumb"}, "xterm-256color"), ({"TERM": "vt220"}, "vt220")],
    ids=["none", "dumb", "own"],
)
def test_the_kind_of_terminal(hub: Hub, asked: dict[str, str], expected: str) -> None:
    environment = {"PATH": os.environ["PATH"], **asked}
    command = ["sh", "-c", "echo $TERM:$PYTHONUNBUFFERED:$FORCE_COLOR:"]
    hub.finish(command, name="t", tty=True, environment=environment, inherit_environment=False)
    assert hub.lines("t") == [f"{expected}:::"]


def test_unless_asked_for_there_is_none(hub: Hub) -> None:
    info = hub.finish(["sh", "-c", "test -t 1 || echo none; command true < /dev/tty"], name="t")
    assert info["tty"] is False
    # The shell complains on the other stream in the same moment, and those two have no order.
    assert hub.lines("t", stream="stdout")[0] == "none"


def test_a_new_size_is_told_and_kept_for_the_next_run(hub: Hub) -> None:
    hub.start(program("tell_size"), name="t", tty=True)
    hub.await_line("t", "^24 x 80")
    assert hub.call("resize_terminal", "t", rows=50, columns=132)["name"] == "t"
    hub.await_line("t", "^50 x 132")
    hub.call("restart_process", "t")
    hub.await_line("t", "^50 x 132")


def test_what_cannot_be_resized(hub: Hub) -> None:
    hub.start(program("sleeper"), name="pipes")
    assert hub.error("resize_terminal", "pipes", rows=1, columns=1).code == "no_terminal"
    hub.finish(["true"], name="over", tty=True)
    assert hub.error("resize_terminal", "over", rows=1, columns=1).code == "not_running"
    assert hub.error("resize_terminal", "pipes", rows=0, columns=1).code == "invalid_params"


def test_ctrl_c_ends_the_foreground_job_alone(hub: Hub) -> None:
    hub.start(["sh", "-i"], name="t", tty=True, environment={"PS1": "now> ", "ENV": "/dev/null"})
    hub.await_line("t", "now>")
    # What it prints is not what was typed, which the terminal echoes: Ctrl-C is for the job, once that has begun.
    type_in(hub, "t", "sh -c 'echo job be''gins; exec sleep 100' || echo ended by $?\n")
    hub.await_line("t", "job begins")
    type_in(hub, "t", CTRL_C)
    hub.call("send_process_input", "t", input="echo still' here'")
    hub.await_line("t", "still here")
    type_in(hub, "t", CTRL_D)
    assert ended(hub, "t")["state"] in ("exited", "failed")


def test_an_interactive_shell_ends_at_a_stop(hub: Hub) -> None:
    # It ignores SIGTERM; without the SIGHUP of a terminal that closes, each stop would take the whole grace time.
    hub.start(["sh", "-i"], name="t", tty=True, environment={"PS1": "now> ", "ENV": "/dev/null"})
    hub.await_line("t", "now>")
    assert hub.call("stop_process", "t", grace_seconds=30)["ended_by"] == "SIGTERM"


def test_a_full_screen_program_does_not_break_the_log(hub: Hub) -> None:
    hub.ready(program("raw_mode"), name="t", tty=True)
    hub.call("send_process_input", "t", base64=base64.b64encode(b"\x00\xff\x1bOAq").decode())
    ended(hub, "t")
    pieces = hub.call("get_process_output", "t", format="raw")["lines"]
    screen = "\x1b[?1049h\x1b[2J\x1b[Hready\r\n<00><ff><1b><4f><41>\x1b[?1049l"
    assert "".join(piece["text"] for piece in pieces) == screen
    assert not any("\x1b" in line for line in hub.lines("t"))


@pytest.mark.parametrize("tty", [True, False], ids=["terminal", "pipe"])
def test_the_end_of_input_is_what_enter_sends(hub: Hub, tty: bool) -> None:
    # Menus read key by key: Enter is a carriage return there, and a newline is Ctrl-J.
    raw = "stty raw -echo; " if tty else ""
    hub.start(["sh", "-c", f"{raw}echo ready; head -c 2 | od -An -tx1"], name="t", tty=tty)
    hub.await_line("t", "^ready")
    assert hub.call("send_process_input", "t", input="y")["bytes"] == 2
    hub.await_line("t", "79 0d" if tty else "79 0a")


def test_base64_is_input_byte_by_byte(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="pipes")
    reply = hub.call("send_process_input", "pipes", base64=base64.b64encode(b"a\xc3\xa9\n").decode())
    assert reply["bytes"] == 4
    hub.await_line("pipes", "^got: aé$")


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"input": "a", "base64": "YQ=="},
        {"base64": "YQ"},
        {"base64": "Y Q=="},
        {"base64": "é"},
        {"base64": "YQ==", "newline": True},
    ],
    ids=["neither", "both", "no padding", "a space", "not ascii", "with a newline"],
)
def test_input_that_makes_no_sense(hub: Hub, params: dict[str, object]) -> None:
    hub.ready(program("echo_stdin"), name="pipes")
    assert hub.error("send_process_input", "pipes", **params).code == "invalid_params"
    hub.call("send_process_input", "pipes", input="sense")
    hub.await_line("pipes", "^got: sense$")
    assert hub.lines("pipes") == ["ready", "got: sense"]


def test_input_that_is_not_read(hub: Hub) -> None:
    hub.ready(["sh", "-c", "stty -icanon -echo; echo ready; sleep 60"], name="t", tty=True)
    assert any(send_some(hub, "t", "x" * 60_000) < 60_000 for _ in range(10))
    assert hub.error("send_process_input", "t", input="x" * 65_536).code == "input_not_read"


def test_it_outlives_the_daemon(hub: Hub, restarted: Callable[[], Hub]) -> None:
    pid = hub.ready(program("echo_stdin"), name="t", tty=True)["pid"]
    hub.call("send_process_input", "t", input="before")
    hub.await_line("t", "^got: before")
    hub = restarted()
    info = hub.status("t")
    assert (info["pid"], info["state"], info["tty"]) == (pid, "running", True)
    hub.call("resize_terminal", "t", rows=10, columns=10)
    hub.call("send_process_input", "t", input="after")
    hub.await_line("t", "^got: after")
    type_in(hub, "t", CTRL_D)
    assert ended(hub, "t")["exit_code"] == 0
    assert hub.lines("t") == ["ready", "before", "got: before", "after", "got: after", "eof"]


def test_it_outlives_the_keeper(own: Hub) -> None:
    own.ready(program("tell_signals"), name="t", tty=True)
    keeper = own.keeper_pid()
    os.kill(keeper, signal.SIGKILL)
    wait_gone(keeper)
    own.call("resize_terminal", "t", rows=10, columns=10)
    own.await_line("t", "^SIGWINCH$")
    type_in(own, "t", CTRL_C)
    own.await_line("t", "SIGINT$")
    assert own.stop("t")["state"] == "stopped"
    assert "SIGHUP" not in own.lines("t")


def test_all_of_a_long_input_and_output(hub: Hub) -> None:
    """A hundred times what the terminal holds, both ways at once."""
    data = numbered(400_000).decode()
    hub.ready(["sh", "-c", "stty -echo; echo ready; exec head -c 400000"], name="t", tty=True)
    for start in range(0, len(data), 50_000):
        rest = data[start : start + 50_000]
        while rest:
            rest = rest[send_some(hub, "t", rest) :]
    ended(hub, "t")
    assert hub.log_path("t").read_bytes() == f"ready\n{data}".replace("\n", "\r\n").encode()


def send_some(hub: Hub, process: str, text: str) -> int:
    """Send what fits; how much that was."""
    try:
        hub.call("send_process_input", process, input=text, newline=False)
    except WireError as error:
        return int(error.error["data"]["written"])
    return len(text)


def test_it_survives_the_loss_of_its_record_and_of_the_keeper(own: Hub) -> None:
    info = own.ready(program("echo_stdin"), name="t", tty=True)
    own.forget_connections()
    own.daemon.kill()
    lose_record(Path(own.daemon.home.runs) / info["run_id"])
    own.daemon.start()
    assert own.status("t")["tty"] is True
    own.call("resize_terminal", "t", rows=30, columns=90)
    keeper = own.keeper_pid()
    os.kill(keeper, signal.SIGKILL)
    wait_gone(keeper)
    own.call("send_process_input", "t", input="hello")
    own.await_line("t", "^got: hello")


def test_a_stop_lets_it_clean_up(hub: Hub) -> None:
    """The hang-up that ends a shell must not cut short what handles SIGTERM."""
    script = "trap 'sleep 0.3; echo clean; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    hub.ready(["sh", "-c", script], name="t", tty=True)
    stopped = hub.stop("t")
    assert (stopped["exit_code"], stopped["signal"]) == (0, None)
    assert hub.lines("t")[-1] == "clean"


def test_a_stop_of_an_interactive_shell_is_quick(hub: Hub) -> None:
    hub.start(["sh", "-i"], name="t", tty=True, environment={"PS1": "now> ", "ENV": "/dev/null"})
    hub.await_line("t", "now>")
    assert hub.stop("t", grace_seconds=60)["signal"] == "SIGHUP"
