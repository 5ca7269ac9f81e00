"""The configuration as a daemon uses it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.kit import Daemon, eventually, program, wait_gone

KIB = 1024


@pytest.fixture
def config(shared_daemon: Daemon) -> Any:
    """The path of the shared daemon's configuration; there is none again after the test."""
    path = Path(shared_daemon.home.config)
    yield path
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def status(hub: Hub) -> dict[str, Any]:
    result: dict[str, Any] = hub.connection.call("get_daemon_status")
    return result


def runs(hub: Hub, name: str) -> list[int]:
    return [run["run"] for run in hub.status(name)["history"]]


def kept(hub: Hub, name: str) -> int:
    """How much of the process's standard output is on disk."""
    (paths,) = (
        each["paths"] for each in hub.call("get_process_log_paths", name)["streams"] if each["stream"] == "stdout"
    )
    return sum(Path(path).stat().st_size for path in paths)


def test_without_a_file_the_defaults_count(hub: Hub, config: Path) -> None:
    told = status(hub)
    assert told["config"] == str(config)
    assert told["config_problems"] == []
    assert told["output_limit_bytes"] == 2**31


def test_a_change_counts_from_the_next_start_on(hub: Hub, config: Path) -> None:
    config.write_text("[output]\nruns = 2\ntotal_bytes = '1 GiB'\n", encoding="utf-8")
    for _ in range(4):
        hub.finish(["true"], name="p")
    assert runs(hub, "p") == [4, 3]
    assert status(hub)["output_limit_bytes"] == 2**30
    config.unlink()
    for _ in range(2):
        hub.finish(["true"], name="p")
    assert runs(hub, "p") == [6, 5, 4, 3]


def test_the_more_exact_key_wins(hub: Hub, config: Path) -> None:
    tables = {"output": 5, "processes.p": 4, 'processes."shop/p"': 3}
    text = ""
    for table, number in tables.items():
        text += f"[{table}]\nruns = {number}\n"
        config.write_text(text, encoding="utf-8")
        for _ in range(6):
            hub.finish(["true"], name="p")
        assert len(runs(hub, "p")) == number
    for _ in range(3):
        hub.finish(["true"], name="p", keep_runs=2)
    assert len(runs(hub, "p")) == 2
    hub.call("restart_process", "p")
    hub.call("restart_process", "p")
    assert len(runs(hub, "p")) == 2


def test_the_stream_limit_is_the_processes_own(hub: Hub, config: Path) -> None:
    config.write_text(
        "[output]\nstream_bytes = '512 KiB'\n[processes.small]\nstream_bytes = '64 KiB'\n", encoding="utf-8"
    )
    flood = program("write_bytes", 2 * 1024 * KIB)
    for name, params, limit in (("small", {}, 64), ("other", {}, 512), ("asked", {"keep_bytes": 1024 * KIB}, 1024)):
        hub.finish(flood, name=name, **params)
        assert limit * KIB <= kept(hub, name) <= 1.5 * limit * KIB, name


def test_the_limit_holds_after_the_keeper_was_killed(own: Hub) -> None:
    Path(own.daemon.home.config).write_text("[processes.p]\nstream_bytes = '64 KiB'\n", encoding="utf-8")
    script = "print('ready', flush=True); input(); print('x\\n' * 500_000 + 'the end', flush=True); input()"
    own.ready([sys.executable, "-c", script], name="p")
    keeper = own.keeper_pid()
    os.kill(keeper, signal.SIGKILL)
    wait_gone(keeper)
    own.call("send_process_input", "p", input="go")
    own.await_line("p", "the end")
    assert 64 * KIB <= kept(own, "p") < 96 * KIB


@pytest.mark.parametrize("what", ["text", "folder", "fifo", "unreadable", "too long"])
def test_a_broken_file_stops_nothing(hub: Hub, config: Path, what: str) -> None:
    if what == "folder":
        config.mkdir()
    elif what == "fifo":
        os.mkfifo(config)
    elif what == "unreadable":
        config.symlink_to(config.name)
    else:
        config.write_text("[output" if what == "text" else "#" * 2_000_000, encoding="utf-8")
    assert hub.finish(["true"], name="p")["exit_code"] == 0
    (problem,) = status(hub)["config_problems"]
    assert problem
    assert hub.daemon.log().count(problem.split(":")[0]) >= 1


def test_what_is_too_much_is_deleted_when_the_daemon_starts(own: Hub) -> None:
    # A daemon that dies between the start of a run and the end of the oldest one leaves one too many.
    for _ in range(4):
        own.finish(["true"], name="p")
    Path(own.daemon.home.config).write_text("[output]\nruns = 2\n", encoding="utf-8")
    own.forget_connections()
    own.daemon.kill()
    own.daemon.start()
    assert runs(own, "p") == [4, 3]
    eventually(lambda: len(os.listdir(own.daemon.home.runs)) == 2)


def test_a_slip_deletes_nothing_when_the_daemon_starts(own: Hub) -> None:
    for _ in range(3):
        own.finish(["true"], name="p")
    config = Path(own.daemon.home.config)
    config.write_text("[output]\nruns = 1\ntotal_bytes = '1 KiB\n", encoding="utf-8")
    own.forget_connections()
    own.daemon.kill()
    own.daemon.start()
    for _ in range(20):
        own.finish(["true"], name="p")
    assert len(runs(own, "p")) == 23
    assert status(own)["output_limit_bytes"] == 2**50


def test_a_problem_is_logged_once(hub: Hub, config: Path) -> None:
    config.write_text("[output]\nrums = 77\n", encoding="utf-8")
    for _ in range(3):
        hub.finish([sys.executable, "-c", ""], name="p")
    assert status(hub)["config_problems"] == [
        "output.rums: there is no such key; there are stream_bytes, total_bytes, runs"
    ]
    assert hub.daemon.log().count("output.rums") == 1
    config.write_text("[output]\nruns = 7\n", encoding="utf-8")
    assert status(hub)["config_problems"] == []
