"""A full disk: nothing new starts, and says so; nothing that runs is hurt; all is well when there is space again.

The folder of runs lies on a small tmpfs in a mount namespace of the daemon's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from persistproc_core.paths import Home
from tests.daemon.hub import Hub
from tests.kit import Daemon, Guard, eventually, is_alive, program

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="mount namespaces are Linux's"),
    pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare(1) is not there"),
]


def write_for_ever(file: IO[bytes]) -> None:
    while True:
        file.write(bytes(4096))


class OnSmallDisk(Daemon):
    """A daemon, and its keeper, that see a tmpfs of 1 MiB where the runs are."""

    def command(self, ready_fd: int) -> list[str]:
        runs = self.home.runs
        script = f'mkdir -m 700 -p {runs} && mount -t tmpfs -o size=1m,mode=700 tmpfs {runs} && exec "$@"'
        unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        return [*unshare, "sh", "-c", script, "sh", *super().command(ready_fd)]

    @property
    def runs(self) -> Path:
        """The folder of runs, seen from here."""
        return Path(f"/proc/{self.pid}/root{self.home.runs}")

    def fill(self) -> Path:
        """Take all the space; the file that does."""
        path = self.runs / "ballast"
        with open(path, "wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            write_for_ever(file)
        return path


@pytest.fixture
def small(guard: Guard, home: Home) -> Iterator[OnSmallDisk]:
    """Such a daemon."""
    daemon = OnSmallDisk(guard, home)
    daemon.start()
    yield daemon
    daemon.tear_down()


@pytest.fixture
def cramped(small: OnSmallDisk, project: Path) -> Iterator[Hub]:
    """The project on it."""
    hub = Hub(small, project)
    yield hub
    hub.forget_connections()


def kept(small: OnSmallDisk, run_id: str) -> int:
    """How much output of the run is on the disk."""
    size = 0
    for path in (small.runs / run_id).glob("*.log"):
        with contextlib.suppress(FileNotFoundError):  # deleted, or renamed when it was emptied, while we looked
            size += path.stat().st_size
    return size


def test_nothing_starts_and_nothing_dies(cramped: Hub, small: OnSmallDisk) -> None:
    old = cramped.ready(program("echo_stdin"), name="old")
    ballast = small.fill()
    for name in ("new", "old-2"):
        error = cramped.error("start_process", command=["touch", f"{cramped.project}/ran"], name=name)
        assert error.code == "storage_failed"
        assert error.error["data"]["hint"]
    assert not (cramped.project / "ran").exists()
    assert set(cramped.list()) == {"old"}
    assert is_alive(old["pid"])
    assert cramped.state("old") == "running"
    assert cramped.lines("old") == ["ready"]
    ballast.unlink()
    assert cramped.finish(["touch", f"{cramped.project}/ran"], name="new")["exit_code"] == 0
    cramped.call("send_process_input", "old", input="x")
    cramped.await_line("old", "got: x")


def test_a_process_is_stopped_on_a_full_disk(cramped: Hub, small: OnSmallDisk) -> None:
    info = cramped.ready(program("sleeper"), name="p")
    small.fill()
    reply = cramped.stop("p")
    assert (reply["state"], reply["signal"]) == ("stopped", "SIGTERM")
    assert not is_alive(info["pid"])
    assert cramped.state("p") == "stopped"


def test_a_restart_on_a_full_disk_leaves_the_old_run_alone(cramped: Hub, small: OnSmallDisk) -> None:
    """Better the old server than none."""
    info = cramped.ready(program("sleeper"), name="p")
    ballast = small.fill()
    error = cramped.error("restart_process", "p")
    assert error.code == "storage_failed"
    assert is_alive(info["pid"])
    assert cramped.state("p") == "running"
    ballast.unlink()
    assert cramped.call("restart_process", "p")["state"] == "running"


def test_a_flood_on_a_full_disk_hurts_nobody(cramped: Hub, small: OnSmallDisk) -> None:
    cramped.ready(program("echo_stdin"), name="good")
    cramped.finish(program("write_bytes", 5_000_000), name="flood")
    reply = cramped.call("get_process_output", "flood", cursor="start", format="raw")
    assert reply["missed_bytes"] > 0
    assert cramped.status("flood")["exit_code"] == 0
    cramped.call("remove_process", "flood")
    cramped.call("send_process_input", "good", input="x")
    cramped.await_line("good", "got: x")


def test_a_run_is_removed_on_a_full_disk(cramped: Hub, small: OnSmallDisk) -> None:
    cramped.finish(["true"], name="p")
    small.fill()
    cramped.call("remove_process", "p")
    assert cramped.list() == {}


def test_the_output_of_ended_runs_makes_room(cramped: Hub, small: OnSmallDisk) -> None:
    """What runs can write again, who watches is told, and what is gone is told to readers as a gap."""
    old = cramped.finish(program("write_bytes", 400_000), name="old")
    cramped.ready(program("echo_stdin"), name="live")
    # Only of what is over for certain anything is deleted, and the daemon looks for that after it has told the end.
    record = small.runs / old["run_id"] / "record.json"
    eventually(lambda: json.loads(record.read_text("ascii"))["released"], what="the run is over")
    small.fill()
    watching = cramped.connect()
    watching.call("watch_processes", types=["output_deleted"], working_directory=str(cramped.project))
    lost = "x" * 5000
    cramped.call("send_process_input", "live", input=lost)  # no page of the disk is left for it
    told: dict[str, int] = {}
    while "old" not in told:
        event = watching.read()["params"]["event"]
        told[event["name"]] = told.get(event["name"], 0) + event["bytes"]
    assert told["old"] == 400_000
    assert kept(small, old["run_id"]) == 0
    reply = cramped.call("get_process_output", "old", cursor="start")
    assert (reply["missed_bytes"], reply["lines"]) == (400_000, [])
    cramped.call("send_process_input", "live", input="there is room")
    cramped.await_line("live", "got: there is room")
    assert cramped.state("live") == "running"
    assert cramped.connection.call("get_daemon_status")["output_bytes"] < 20_000


def test_a_full_disk_and_a_low_limit(cramped: Hub, small: OnSmallDisk) -> None:
    """Deleting needs no room."""
    old = cramped.finish(program("write_bytes", 300_000), name="old")
    cramped.ready(program("echo_stdin"), name="live")
    Path(small.home.config).write_text("[output]\ntotal_bytes = 1000\n", encoding="utf-8")
    small.fill()
    cramped.stop("live")
    eventually(lambda: kept(small, old["run_id"]) == 0)
    assert cramped.call("get_process_output", "old", cursor="start")["missed_bytes"] == 300_000


def test_marks_and_captures_on_a_full_disk(cramped: Hub, small: OnSmallDisk) -> None:
    """Marks lie beside the runs and can be set; a capture needs a record first, and says that it has none."""
    cramped.ready(program("echo_stdin"), name="live")
    small.fill()
    assert cramped.call("set_mark", name="m")["name"] == "m"
    error = cramped.error("capture_process", name="web")
    assert error.code == "storage_failed"
    assert cramped.list().keys() == {"live"}
