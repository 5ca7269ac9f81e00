"""Records that are broken, old or about somebody else: set aside or told, and never a reason to signal a stranger."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from persistproc_core.daemon.log import Log
from tests.daemon.hub import Hub
from tests.daemon.records import spoil_record
from tests.kit import is_alive, program, wait_gone


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not ours."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


@pytest.fixture
def changed(own: Hub) -> Callable[[Callable[[dict[str, Any]], None]], dict[str, Any]]:
    """Ends everything hard, changes the record of ``p``, starts the next daemon; how ``p`` is then."""

    def change(edit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        info = own.ready(program("sleeper"), name="p")
        keeper = own.keeper_pid()
        own.forget_connections()
        own.daemon.kill()
        for pid in (keeper, info["pid"]):
            os.kill(pid, signal.SIGKILL)
            wait_gone(pid)
        path = Path(own.daemon.home.runs, info["run_id"], "record.json")
        record = json.loads(path.read_text("ascii"))
        edit(record)
        path.write_text(json.dumps(record), "ascii")
        own.daemon.start()
        return own.list()["p"]

    return change


def test_after_a_reboot_nothing_is_alive(
    own: Hub, changed: Callable[..., dict[str, Any]], stranger: subprocess.Popen[bytes]
) -> None:
    """Even where the number of the old process belongs to somebody by now."""

    def edit(record: dict[str, Any]) -> None:
        record["boot_id"] = "another-boot"
        if record["identity"]:
            record["identity"] = ["another-boot", stranger.pid, record["identity"][2]]

    found = changed(edit)
    assert (found["state"], found["exit_code"]) == ("lost", None)
    assert "started again" in found["reason"]
    own.stop("p", force=True)
    assert own.call("remove_process", "p")["runs"] == 1
    assert is_alive(stranger.pid)


def test_a_number_that_was_given_away_is_a_stranger(
    own: Hub, changed: Callable[..., dict[str, Any]], stranger: subprocess.Popen[bytes]
) -> None:
    """Same boot, same pid, another start time."""

    def edit(record: dict[str, Any]) -> None:
        boot_id = record["boot_id"]
        record["identity"] = [boot_id, stranger.pid, 1]

    found = changed(edit)
    assert found["state"] == "lost"
    assert own.error("signal_process", "p", signal="KILL").code == "not_running"
    own.stop("p", force=True)
    assert is_alive(stranger.pid)


BROKEN = [b"", b"{", b"[]", b"null", b'{"format": 1}', b"\xff\xfe\0", b"{" * 100_000]
NEWER = b'{"format": 99}'


def test_unreadable_records_are_set_aside(own: Hub) -> None:
    own.finish(["true"], name="good")
    folders = {}
    for number, content in enumerate(BROKEN):
        own.finish(["echo", "kept"], name=f"bad{number}")
        folders[Path(own.status(f"bad{number}")["log_directory"])] = content
    own.forget_connections()
    own.daemon.kill()
    for folder, content in folders.items():
        spoil_record(folder, content)
    for _ in range(2):  # what was set aside is still there after one more start
        own.daemon.start()
        assert set(own.list()) == {"good"}
        for folder, content in folders.items():
            assert (folder / "record.unreadable").read_bytes() == content
            assert list(folder.glob("stdout-*.log"))
        own.forget_connections()
        own.daemon.kill()
    own.daemon.start()
    assert own.daemon.log().count("record.unreadable") == len(BROKEN)
    assert own.start(program("sleeper"), name="bad0")["state"] == "running"


def test_the_record_of_a_newer_version_is_left_as_it_is(own: Hub) -> None:
    """Going back to an older version for a day must not cost what the newer one wrote."""
    own.finish(["echo", "kept"], name="p")
    record = Path(own.status("p")["log_directory"]) / "record.json"
    own.forget_connections()
    own.daemon.kill()
    record.write_bytes(NEWER)
    own.daemon.start()
    assert own.list() == {}
    assert record.read_bytes() == NEWER


def test_a_live_process_whose_record_is_broken_is_not_lost(own: Hub) -> None:
    """No process is lost: the keeper holds it and the kernel knows its marker."""
    info = own.ready(program("sleeper"), name="p")
    own.forget_connections()
    own.daemon.kill()
    spoil_record(Path(own.daemon.home.runs, info["run_id"]), b"{")
    own.daemon.start()
    assert is_alive(info["pid"])
    assert info["run_id"] in own.daemon.log()
    assert info["pid"] in [process["pid"] for process in own.connection.call("list_processes")["processes"]]


def test_an_ended_run_whose_record_is_broken_is_let_go(own: Hub) -> None:
    """Else its zombie, its FIFOs and the keeper would stay for ever."""
    info = own.ready(program("sleeper"), name="p")
    keeper = own.keeper_pid()
    own.forget_connections()
    own.daemon.kill()
    os.kill(info["pid"], signal.SIGKILL)
    wait_gone(info["pid"])
    spoil_record(Path(own.daemon.home.runs, info["run_id"]), b"{")
    own.daemon.start()
    own.daemon.shut_down()
    wait_gone(keeper)


def test_strange_things_in_the_folder_of_runs(hub: Hub, restarted: Callable[[], Hub]) -> None:
    hub.finish(["true"], name="p")
    runs = Path(hub.daemon.home.runs)
    (runs / "file").touch()
    (runs / "empty").mkdir()
    (runs / "link").symlink_to("/etc")
    (runs / "dangling").symlink_to("nowhere")
    (runs / b"\xff".decode("utf-8", "surrogateescape")).mkdir()
    assert set(restarted().list()) == {"p"}
    # The daemon is shared, and others look for what they left there.
    for name in ("file", "link", "dangling"):
        (runs / name).unlink()


def test_the_log_is_bounded(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"))
    for number in range(14_000):
        log.info("event", number=number, text="x" * 150)
    log.close()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2 * 1024 * 1024
    assert "number=13999" in (tmp_path / "log").read_text("ascii")


def test_the_log_is_one_line_an_event(hub: Hub) -> None:
    """A name with a newline in it cannot forge an entry."""
    hub.error("start_process", command=["x\n2026-01-01T00:00:00.000Z info forged"])
    hub.finish(["true"], name="p", client={"name": "evil\nforged", "version": "\x1b[31m"})
    for line in hub.daemon.log().splitlines():
        assert line.startswith("20"), line
        assert line.isprintable()
