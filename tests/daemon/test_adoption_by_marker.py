"""Live runs whose record is gone or unreadable: told again from the kernel, by the id in their environment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.daemon.records import lose_record, spoil_record
from tests.kit import is_alive, program, wait_gone

VARIABLES = {"PATH": os.environ["PATH"], "SECRET": "s3cret"}


def strike(hub: Hub, *, keeper: bool) -> None:
    """kill -9 of the daemon, and of the keeper as well."""
    pid = hub.keeper_pid()
    hub.forget_connections()
    hub.daemon.kill()
    if keeper:
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid)


def folder(hub: Hub, info: dict[str, Any]) -> Path:
    return Path(hub.daemon.home.runs, info["run_id"])


def test_runs_without_a_record_are_rebuilt(own: Hub) -> None:
    (own.project / ".git").mkdir()
    (own.project / "sub").mkdir()
    sub = str(own.project / "sub")
    infos = {
        name: own.ready(program("echo_stdin", name), name=name, environment=VARIABLES, working_directory=sub)
        for name in ("lost", "torn", "fine")
    }
    own.call("restart_process", "lost", working_directory=sub)
    infos["lost"] = own.status("lost")
    own.await_line("lost", "^ready")
    left = own.finish(program("leader_dies"), name="left")
    member = int(own.lines("left")[0].split()[1])
    for keeper in (False, True):
        strike(own, keeper=keeper)
        lose_record(folder(own, infos["lost"]))
        lose_record(folder(own, left))
        spoil_record(folder(own, infos["torn"]), b'{"format": 1, "na')
        own.daemon.start()
        check_rebuilt(own, infos)
        found = own.list()["left"]
        assert found["survivors"] == [member]
        # The keeper knows how the leader ended; when it died nobody does.
        assert (found["state"], found["exit_code"]) == (("lost", None) if keeper else ("exited", 0))
    assert own.stop("torn")["stopped_pids"] == [infos["torn"]["pid"]]
    again = own.call("restart_process", "lost")
    assert again["run"] == infos["lost"]["run"] + 1
    assert not is_alive(infos["lost"]["pid"])
    assert "SECRET=s3cret" in Path(f"/proc/{again['pid']}/environ").read_text("ascii").split("\0")
    own.stop("left", grace_seconds=0.2)
    assert not is_alive(member)


def check_rebuilt(hub: Hub, infos: dict[str, dict[str, Any]]) -> None:
    found = hub.list()
    assert set(found) == {*infos, "left"}
    for name, info in infos.items():
        for key in ("pid", "run_id", "run", "argv", "state", "working_directory"):
            assert found[name][key] == info[key], (name, key)
        # Clock ticks are hundredths of a second, and the boot time is known to the second.
        assert abs(seconds(found[name]["started_at"]) - seconds(info["started_at"])) < 5
        hub.call("send_process_input", name, input="x")
        hub.await_line(name, "^got: x")
    assert "record was lost" in found["lost"]["reason"]
    assert hub.daemon.log().count(f"run.rebuilt run={infos['torn']['run_id']}") in (1, 2)


def seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def test_the_home_is_deleted_while_nobody_lives(own: Hub) -> None:
    """No folder, no record, no keeper: the FIFOs have no names any more, and are drained all the same."""
    info = own.ready(program("echo_stdin"), name="web", environment=VARIABLES)
    strike(own, keeper=True)
    shutil.rmtree(own.daemon.home.path)
    for text in ("once", "again"):  # what was rebuilt is known to the next daemon as well
        own.daemon.start()
        found = own.list()["web"]
        assert (found["pid"], found["run_id"], found["state"]) == (info["pid"], info["run_id"], "running")
        own.call("send_process_input", "web", input=text)
        own.await_line("web", f"^got: {text}")
        if text == "once":
            strike(own, keeper=True)
    assert own.stop("web")["state"] == "stopped"
    assert not is_alive(info["pid"])


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that carries the marker of a run of another home, whose FIFOs it has."""
    runs = tmp_path / "runs" / "web.1.0badcafe"
    runs.mkdir(parents=True)
    os.mkfifo(runs / "stdout")
    fd = os.open(runs / "stdout", os.O_RDWR)
    variables = {**os.environ, "PERSISTPROC_RUN": "web.1.0badcafe"}
    with subprocess.Popen(["sleep", "1000"], env=variables, stdout=fd) as process:
        os.close(fd)
        yield process
        process.kill()


def test_a_record_of_a_newer_version_and_a_run_of_another_home(own: Hub, stranger: subprocess.Popen[bytes]) -> None:
    """Both are left alone: neither listed, nor signalled, nor written to."""
    info = own.ready(program("sleeper"), name="newer")
    os.mkdir(Path(own.daemon.home.runs, "..evil"))
    record = folder(own, info) / "record.json"
    strike(own, keeper=True)
    content = json.dumps({**json.loads(record.read_bytes()), "format": 2}).encode()
    record.write_bytes(content)
    own.daemon.start()
    assert own.connection.call("list_processes")["processes"] == []
    assert record.read_bytes() == content
    assert "record.newer" in own.daemon.log()
    assert is_alive(info["pid"])
    assert is_alive(stranger.pid)
    own.forget_connections()
    own.daemon.kill()  # and the fixture ends what nobody manages


def test_torn_records_of_live_runs(own: Hub) -> None:
    """Cut or changed anywhere: each process is listed once, with its pid, whoever died."""
    infos = [own.start(["sleep", f"10{number}"], name=f"p{number}") for number in range(9)]
    torn, renamed = infos[:6], infos[6:]
    for keeper in (False, True):
        strike(own, keeper=keeper)
        for number, info in enumerate(torn):
            path = folder(own, info) / "record.json"
            content = path.read_bytes()
            place = len(content) * number // len(torn)
            cut = content[:place]
            spoil_record(path.parent, cut if number % 2 else cut + b"\x80" + content[place + 1 :])
        for what, info in zip(("pid", "start", "boot"), renamed, strict=True):
            name_somebody_else(folder(own, info), what)
        own.daemon.start()
        found = own.connection.call("list_processes")["processes"]
        assert sorted(each["pid"] for each in found) == sorted(info["pid"] for info in infos)
        assert {each["state"] for each in found} == {"running"}
    for info in infos:
        assert own.stop(info["pid"], force=True)["stopped_pids"] == [info["pid"]]


def name_somebody_else(run: Path, what: str) -> None:
    """Change the pid, the start or the boot in a record: the process is known by its own marker."""
    record = json.loads((run / "record.json").read_bytes())
    pid, start = map(int, (run / "spawned").read_text("ascii").split())
    boot = record["boot_id"]
    if what == "boot":
        record["boot_id"], record["identity"] = "another", ["another", pid, start]
    else:
        record["identity"] = [boot, pid + (what == "pid"), start + 10 * (what == "start")]
    (run / "record.json").write_bytes(json.dumps(record).encode())
