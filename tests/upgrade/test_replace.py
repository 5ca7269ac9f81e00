"""The daemon is replaced under processes that write, clients that follow, and callers that wait."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from persistproc_core.client import Client
from persistproc_core.errors import ShuttingDown
from persistproc_core.unix_socket import credentials
from tests.daemon.hub import Hub, in_thread
from tests.daemon.records import spoil_record
from tests.daemon.subscriber import Subscriber
from tests.kit import eventually, is_alive, program
from tests.upgrade.conftest import Replace, assert_whole, log_bytes

WRITERS = 3


def test_writers_followers_ends_and_environments(own: Hub, replace: Replace) -> None:
    own.finish("true", name="ended", environment={"SECRET": "of an ended run"})
    writers = {f"w{number}": own.start(program("steady_writer", 1 + number), name=f"w{number}") for number in range(3)}
    own.start("sleep 0.3; exit 7", name="dying")
    own.start("echo $SECRET; exit 1", name="again", restart="on-failure", environment={"SECRET": "of each run"})
    instances = {own.connection.hello["instance"]}
    client = Client(home=own.daemon.home.path, working_directory=str(own.project))
    follower = in_thread(lambda: _follow(client, "w0"))
    waiter = in_thread(lambda: client.wait_for_process(process="w1", exit=True, timeout_seconds=60))

    for _ in range(2):
        instances.add(replace()["instance"])
        own.await_line("w0", "out 5")
    assert len(instances) == 3
    assert own.call("wait_for_process", "dying", exit=True)["exit_code"] == 7

    listed = own.list()
    assert {name: listed[name]["pid"] for name in writers} == {name: info["pid"] for name, info in writers.items()}
    eventually(
        lambda: own.status("again")["run"] > 2, within=20, what="it was started again by the last of the daemons"
    )
    own.stop("again")
    assert set(own.lines("again", run="all")) == {"of each run"}
    assert own.call("restart_process", "ended")["environment_from"] == "run"
    assert own.call("get_process_status", "ended", environment={})["environment_names"].count("SECRET") == 1
    for name in writers:
        assert own.stop(name)["state"] == "stopped"
        assert_whole(log_bytes(own, name, "stdout"), b"out")
        assert_whole(log_bytes(own, name, "stderr"), b"err")
    assert waiter.result(20)["state"] == "stopped"
    assert follower.result(20) == log_bytes(own, "w0", "stdout")
    client.close()


def _follow(client: Client, name: str) -> bytes:
    """What a follower is told of standard output, from the first byte to the end."""
    data = b""
    with client.follow_process_output(processes=[name], cursors={name: "start"}, stream="stdout", format="raw") as news:
        for item in news:
            if item.output:
                assert item.output["missed_bytes"] == 0
                data += b"".join(line["text"].encode() for line in item.output["lines"])
            elif item.event and item.event["type"] == "stopped":
                return data
    raise AssertionError("the subscription ended by itself")


def test_what_was_begun_is_ended_and_what_was_not_is_refused(own: Hub, replace: Replace) -> None:
    pid = own.ready(program("ignore_term"), name="slow")["pid"]
    stopping = own.aside("stop_process", "slow", grace_seconds=60)
    own.await_state("slow", "stopping")
    waiting, idle = own.daemon.connect(30), own.daemon.connect(30)
    waiting.send({"jsonrpc": "2.0", "id": 1, "method": "wait_for_process", "params": _wait("slow", own)})

    with own.daemon.connect(60) as replacing:
        replacing.send({"jsonrpc": "2.0", "id": 1, "method": "replace_daemon", "params": {}})
        # The wait is cut when the gate is closed. What is sent from then on does not go out, so nobody has to guess.
        cut = waiting.read()["error"]["data"]
        assert (cut["error"], cut["again"]) == ("shutting_down", True)
        with pytest.raises(BrokenPipeError):
            idle.send({"jsonrpc": "2.0", "id": 1, "method": "start_process", "params": {"command": "true"}})
        os.kill(pid, signal.SIGKILL)
        assert stopping.result(20)["state"] == "stopped"
        own.daemon.pid = replacing.read()["result"]["pid"]
    own.forget_connections()
    assert own.state("slow") == "stopped"
    for connection in (waiting, idle):
        connection.close()


def _wait(name: str, own: Hub) -> dict[str, object]:
    return {"process": name, "working_directory": str(own.project), "output": "never", "timeout_seconds": 60}


def test_each_line_of_input_arrives_once(own: Hub, replace: Replace, tmp_path: Path) -> None:
    written = tmp_path / "lines"
    own.start(["sh", "-c", f"while read -r line; do echo $line >> {written}; done"], name="reader")
    done = threading.Event()
    senders = [in_thread(lambda each=each: _send(own, each, done)) for each in "ab"]  # type: ignore[misc]
    for _ in range(2):
        replace()
    done.set()
    sent = sorted(line for sender in senders for line in sender.result(20))
    eventually(lambda: len(written.read_text(encoding="ascii").split()) >= len(sent), what="all lines are written")
    assert sorted(written.read_text(encoding="ascii").split()) == sent


def _send(own: Hub, sender: str, done: threading.Event) -> list[str]:
    """Send lines until it is done; those that were taken. No call may fail."""
    sent: list[str] = []
    with Client(home=own.daemon.home.path, working_directory=str(own.project)) as client:
        while not done.is_set():
            client.send_process_input(process="reader", input=f"{sender}{len(sent)}")
            sent.append(f"{sender}{len(sent)}")
    return sent


def test_what_is_in_memory_alone_is_handed_over(own: Hub, replace: Replace) -> None:
    """News, questions, and what children get whose caller does not say; and the environment is the caller's."""
    me = {"name": "agent", "pid": 4711}
    own.start(program("sleeper"), name="p")
    own.call("get_news", client=me)
    own.stop("p")
    own.start(program("prompt"), name="asks")
    watcher = Subscriber(own, "watch_processes", types=["waiting_for_input"])
    sequence = watcher.until_event("waiting_for_input")["sequence"]
    before = _limits(own)

    inode = os.stat(own.daemon.socket).st_ino
    reply = replace(environment={**os.environ, "COLOUR": "blue"})
    again = Subscriber(own, "watch_processes", types=["waiting_for_input", "stopped"], after=sequence)
    assert own.call("get_process_status", "asks")["waiting_for_input"] == "name?"
    news = [(event["type"], event["name"]) for event in own.call("get_news", client=me)["events"]]
    assert news[0] == ("stopped", "p")
    assert news.count(("waiting_for_input", "asks")) == 1
    assert _limits(own) == before
    own.finish(["sh", "-c", "echo $COLOUR"], name="colour")
    assert own.lines("colour") == ["blue"]
    own.stop("asks")
    again.until_event("stopped")
    assert again.kinds == ["stopped"]
    _assert_same_files(own, reply, inode)


def test_records_that_were_spoiled_meanwhile(own: Hub, replace: Replace) -> None:
    """The old daemon knows what they said; it must neither lose them nor take the new one for too old."""
    folders = []
    for name in ("ended", "live"):
        own.finish(["true"], name=name)
        folders.append(Path(own.daemon.home.runs, own.status(name)["run_id"]))
    own.start(program("sleeper"), name="live")
    folders.append(Path(own.daemon.home.runs, own.status("live")["run_id"]))
    before = {name: (info["run"], info["state"], info["runs"]) for name, info in own.list().items()}
    for folder in folders:
        spoil_record(folder, b'{"format"')
    replace()
    assert {name: (info["run"], info["state"], info["runs"]) for name, info in own.list().items()} == before


def _limits(own: Hub) -> list[str]:
    own.finish("umask; ulimit -n; ulimit -Hn", name="limits", fresh=True)
    return own.lines("limits")


def _assert_same_files(own: Hub, reply: dict[str, Any], inode: int) -> None:
    eventually(lambda: not is_alive(reply["previous_pid"]), what="the old daemon is gone")
    assert os.stat(own.daemon.socket).st_ino == inode
    assert stat.S_IMODE(os.stat(own.daemon.socket).st_mode) == 0o600
    assert Path(own.daemon.home.lock).read_text(encoding="ascii") == f"{reply['pid']}\n"
    # The lock was never free, and is not now.
    second = subprocess.run(own.daemon.command(1)[:-3], capture_output=True, encoding="utf-8", timeout=20)
    assert second.returncode == 3, second
    assert os.getsid(reply["pid"]) == reply["pid"]
    # Who listens, as the kernel tells clients, is the one that does (SO_PEERCRED, unix(7)).
    with own.daemon.connect() as connection:
        assert credentials(connection.socket)[1] == reply["pid"]


def test_one_at_a_time(own: Hub) -> None:
    def ask() -> dict[str, Any]:
        with own.daemon.connect(60) as connection:
            try:
                connection.ask("replace_daemon", {})
            except BrokenPipeError:
                # Another one was faster: from then on nothing goes out on the connections that there are.
                return {"error": {"data": {"error": "shutting_down"}}}
            return connection.reply()

    replies = [each.result(60) for each in [in_thread(ask) for _ in range(3)]]
    done = [reply["result"]["pid"] for reply in replies if "result" in reply]
    refused = [reply["error"]["data"]["error"] for reply in replies if "error" in reply]
    with own.daemon.connect() as connection:
        own.daemon.pid = connection.hello["pid"]
    assert own.daemon.pid in done
    assert len(done) + len(refused) == 3
    assert set(refused) <= {"replace_failed", "shutting_down"}


def test_a_signal_in_the_middle_ends_the_old_one(own: Hub) -> None:
    """SIGTERM while the new one is loading: the daemon ends, and so does the new one."""
    hanging = [sys.executable, "-c", "import time; time.sleep(600)"]
    asked: Future[Any] = in_thread(lambda: _ask_in_vain(own, hanging))
    eventually(lambda: "daemon.replacing" in own.daemon.log(), what="the new one was started")
    own.start(program("sleeper"), name="p")
    os.kill(own.daemon.pid, signal.SIGTERM)
    eventually(lambda: not is_alive(own.daemon.pid), what="the daemon has ended")
    assert asked.result(20) is None
    own.forget_connections()
    own.daemon.start()
    assert own.state("p") == "running"


def _ask_in_vain(own: Hub, program: list[str]) -> None:
    with own.daemon.connect(60) as connection:
        try:
            connection.call("replace_daemon", program=program)
        except (EOFError, ConnectionResetError):
            return
    raise ShuttingDown("the daemon has answered")
