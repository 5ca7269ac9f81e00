"""`Client` beyond single calls: threads, forks, Ctrl-C, a directory that is gone, and all methods on the daemon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from persistproc_core.client import Client, piece_bytes
from persistproc_core.errors import ProcessNotFound, WaitTimedOut
from persistproc_core.paths import Home
from tests.client.line_server import Peer, answer, echo, line_server
from tests.kit import Daemon
from tests.kit.daemon import environment


def test_a_program_from_start_to_removal(shared_daemon: Daemon, tmp_path: Path) -> None:
    home = shared_daemon.home
    with Client(home=home.path, name="tests", version="3", working_directory=str(tmp_path)) as client:
        assert client.hello["pid"] == shared_daemon.pid
        started = client.start_process(command=["sh", "-c", "echo out; echo err >&2; read x; echo got $x"], name="web")
        assert started["already_running"] is False
        assert started["started_by"] == {
            "name": "tests",
            "version": "3",
            "pid": os.getpid(),
            "directory": str(tmp_path),
        }
        assert started["working_directory"] == str(tmp_path)

        assert client.wait_for_process(process="web", output="^out$")["line"] == "out"
        assert client.send_process_input(process="web", input="this")["bytes"] == len("this\n")
        assert client.wait_for_process(process="web")["exit_code"] == 0

        reply = client.get_process_output(process="web", cursor="start", format="raw")
        streams: dict[str, bytes] = {"stdout": b"", "stderr": b""}
        for piece in reply["lines"]:
            streams[piece["stream"]] += piece_bytes(piece)
        assert streams == {"stdout": b"out\ngot this\n", "stderr": b"err\n"}

        assert [process["name"] for process in client.list_processes()["processes"]] == ["web"]
        assert client.get_process_status(process="web")["history"][0]["state"] == "exited"
        assert client.get_process_log_paths(process="web")["directory"].startswith(home.runs)
        assert client.restart_process(process="web")["run"] == 2
        assert client.signal_process(process="web", signal="CONT")["state"] == "running"
        assert client.stop_process(process="web")["state"] == "stopped"
        assert client.remove_process(process="web")["runs"] == 2
        with pytest.raises(ProcessNotFound):
            client.get_process_status(process="web")
        assert client.get_daemon_status()["pid"] == shared_daemon.pid
        assert client.discover()["openrpc"]


def test_bytes_that_are_no_text(shared_daemon: Daemon, tmp_path: Path) -> None:
    with Client(home=shared_daemon.home.path, working_directory=str(tmp_path)) as client:
        client.start_process(command=["printf", r"caf\351\000\n"], name="bytes")
        client.wait_for_process(process="bytes")
        reply = client.get_process_output(process="bytes", cursor="start", format="raw")
        client.remove_process(process="bytes")
    assert b"".join(map(piece_bytes, reply["lines"])) == b"caf\xe9\x00\n"


def test_a_wait_takes_as_long_as_it_asks(shared_daemon: Daemon, tmp_path: Path) -> None:
    with Client(home=shared_daemon.home.path, working_directory=str(tmp_path), timeout=0.5) as client:
        client.start_process(command="sleep 100", name="quiet")
        with pytest.raises(WaitTimedOut):
            client.wait_for_process(process="quiet", timeout_seconds=1)
        client.stop_process(process="quiet", force=True)
        client.remove_process(process="quiet")


def test_a_client_may_be_used_after_close(home: Home) -> None:
    with line_server(home.socket, answer) as server:
        client = Client()
        assert client.hello["instance"] == "line-server"
        client.close()
        client.close()
        client.list_processes()
        client.close()
    assert server.connections == 2


def test_threads_get_their_own_replies(home: Home) -> None:
    wrong: list[object] = []

    def work(number: int) -> None:
        for turn in range(50):
            text = f"{number}.{turn}"
            reply = client.call("send_process_input", {"process": "web", "input": text})
            if not isinstance(reply, dict) or reply["input"] != text:
                wrong.append(reply)

    with line_server(home.socket, echo) as server:
        client = Client()
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        client.close()
    assert wrong == []
    assert len(server.seen) == 400
    assert server.connections <= 8


def test_a_long_call_does_not_hold_up_another_thread(home: Home) -> None:
    asked, release = threading.Event(), threading.Event()

    def slow(peer: Peer) -> None:
        peer.greet()
        request = peer.request()
        asked.set()
        release.wait(10)
        peer.reply(request, "late")

    with line_server(home.socket, slow, answer):
        client = Client()
        waiting = threading.Thread(target=client.wait_for_process, kwargs={"process": "web"})
        waiting.start()
        assert asked.wait(10)
        client.list_processes()
        release.set()
        waiting.join(10)
        client.close()


def test_after_ctrl_c_the_late_reply_is_not_taken_for_the_next(home: Home) -> None:
    def interrupt(peer: Peer) -> None:
        peer.greet()
        request = peer.request()
        os.kill(os.getpid(), signal.SIGINT)
        peer.wait_closed()
        peer.reply(request, "late")

    with line_server(home.socket, interrupt, answer), Client() as client:
        with pytest.raises(KeyboardInterrupt):
            client.list_processes()
        reply = client.call("get_daemon_status")
    assert isinstance(reply, dict)
    assert reply["method"] == "get_daemon_status"


def test_a_forked_child_has_connections_of_its_own(daemon: Daemon) -> None:
    with Client() as client:
        child = os.fork()
        if not child:
            status = 1
            try:
                status = 0 if client.get_daemon_status()["pid"] == daemon.pid else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert client.get_daemon_status()["pid"] == daemon.pid


def test_a_directory_that_was_deleted(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with line_server(home.socket, echo), Client() as client:
        params = client.call("list_processes")

    assert isinstance(params, dict)
    assert params["working_directory"] == params["client"]["directory"] == str(gone)


def test_the_directory_is_that_of_the_call(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with line_server(home.socket, echo), Client() as client:
        monkeypatch.chdir(tmp_path)
        params = client.call("list_processes")

    assert isinstance(params, dict)
    assert params["working_directory"] == str(tmp_path)


HEAVY = ("anyio", "trio", "asyncio", "psutil", "rich", "mcp", "jsonrpcserver", "typing_extensions")
SLOW = ("json", "re", "enum", "socket", "typing", "threading", "subprocess", "dataclasses", "persistproc_core.protocol")


@pytest.mark.parametrize("module", ["persistproc_core.client", "persistproc_core.client.sync"])
def test_importing_it_loads_next_to_nothing(module: str) -> None:
    root = Path(__file__).resolve().parent.parent.parent
    code = f"import sys; sys.path[:] = {[str(root), *sys.path]!r}; import {module}; print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-S", "-c", code], stdout=subprocess.PIPE, encoding="utf-8", check=True, timeout=30
    )

    assert set(done.stdout.split()).isdisjoint({*HEAVY, *SLOW})


def test_a_whole_call_loads_next_to_nothing(daemon: Daemon) -> None:
    root = Path(__file__).resolve().parent.parent.parent
    code = (
        f"import sys; sys.path[:] = {[str(root), *sys.path]!r}; from persistproc_core.client.sync import Client\n"
        "with Client() as client: client.list_processes()\n"
        "print(*sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        stdout=subprocess.PIPE,
        env=environment(daemon.home),
        encoding="utf-8",
        check=True,
        timeout=30,
    )

    assert set(done.stdout.split()).isdisjoint({*HEAVY, *SLOW})
