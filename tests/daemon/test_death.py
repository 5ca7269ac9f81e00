"""The daemon, the keeper or both are killed: no process is lost, none is started twice, no output is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.hub import Hub
from tests.kit import eventually, is_alive, program, wait_gone
from tests.kit.daemon import environment


class Disaster:
    """kill -9 of the daemon, of the keeper, or of both; then a daemon serves again."""

    def __init__(self, hub: Hub, victim: str) -> None:
        self.hub = hub
        self._victim = victim

    def strike(self) -> None:
        """Let it happen."""
        hub, victim = self.hub, self._victim
        keeper = hub.keeper_pid()
        if victim != "daemon":
            os.kill(keeper, signal.SIGKILL)
            wait_gone(keeper)
        if victim != "keeper":
            hub.forget_connections()
            hub.daemon.kill()
            hub.daemon.start()
        if victim == "daemon":
            # An ended run is listed until the new daemon has released it, when the old one had not written that it had.
            live = [process for process in hub.list().values() if process["state"] in ("running", "stopping")]
            assert hub.keeper_pid() == keeper or not live
        else:
            await_other_keeper(hub, keeper)


@pytest.fixture(params=["daemon", "keeper", "both"])
def disaster(hub: Hub, request: pytest.FixtureRequest) -> Disaster:
    """Each of the three."""
    return Disaster(hub, request.param)


def await_other_keeper(hub: Hub, former: int) -> None:
    eventually(lambda: hub.connection.call("get_daemon_status")["keeper_pid"] not in (None, former))


def test_a_live_process_keeps_its_identity(disaster: Disaster) -> None:
    hub = disaster.hub
    before = hub.ready(program("echo_stdin"), name="p", client={"name": "cursor"})
    disaster.strike()
    after = hub.list()["p"]
    for key in ("pid", "run_id", "run", "state", "started_at", "started_by", "command", "argv", "name", "project"):
        assert after[key] == before[key], key
    assert hub.start(program("echo_stdin"), name="p")["already_running"] is True
    assert len(hub.list(all_projects=True)) == 1


def test_a_live_process_is_read_written_and_stopped(disaster: Disaster) -> None:
    hub = disaster.hub
    info = hub.ready(program("echo_stdin"), name="p")
    cursor = hub.call("get_process_output", "p")["cursor"]
    disaster.strike()
    waiting = hub.aside("get_process_output", "p", cursor=cursor, wait_seconds=10)
    hub.call("send_process_input", "p", input="still")
    assert [line["text"] for line in waiting.result(10)["lines"]] == ["got: still"]
    reply = hub.stop("p")
    assert (reply["state"], reply["stopped_pids"]) == ("stopped", [info["pid"]])
    assert not is_alive(info["pid"])
    assert hub.lines("p") == ["ready", "got: still"]


def test_a_tree_is_stopped(disaster: Disaster) -> None:
    hub = disaster.hub
    hub.ready(program("spawn_tree", "plain", "setsid", "double", "nohup"), name="p")
    pids = [int(line.split()[1]) for line in hub.lines("p") if line != "ready"]
    disaster.strike()
    assert set(pids) < set(hub.stop("p", grace_seconds=2)["stopped_pids"])
    assert not any(map(is_alive, pids))


def test_a_constant_writer_loses_no_byte(disaster: Disaster) -> None:
    hub = disaster.hub
    hub.start(program("steady_writer", 0.1, 30), name="p")
    hub.await_line("p", "out 200 ")
    disaster.strike()
    seen = int(hub.lines("p", stream="stdout", lines=1)[0].split()[1])
    hub.await_line("p", f"out {seen + 200} ")
    hub.call("signal_process", "p", signal="TERM")
    hub.call("wait_for_process", "p", timeout_seconds=10)
    for stream, name in (("stdout", "out"), ("stderr", "err")):
        lines = [line.rstrip() for line in hub.log_path("p", stream).read_text("ascii").splitlines()]
        count = len(lines) - 1
        assert lines == [f"{name} {number}" for number in range(count)] + [f"{name} end {count}"]


def test_an_exit_code_is_known_or_honestly_null(disaster: Disaster) -> None:
    hub = disaster.hub
    hub.ready(["sh", "-c", "echo ready; read line; exit 7"], name="p")
    disaster.strike()
    hub.call("send_process_input", "p", input="")
    info = hub.call("wait_for_process", "p", timeout_seconds=10)
    if info["state"] == "lost":
        assert info["exit_code"] is None
        assert "not known" in info["reason"]
    else:
        assert (info["state"], info["exit_code"]) == ("failed", 7)


def test_a_leaders_survivors_are_still_known(disaster: Disaster) -> None:
    hub = disaster.hub
    hub.finish(program("leader_dies"), name="p")
    member = int(hub.lines("p")[0].split()[1])
    disaster.strike()
    assert hub.list()["p"]["survivors"] == [member]
    assert hub.list()["p"]["state"] == "exited"
    hub.stop("p", grace_seconds=0.2)
    assert not is_alive(member)


def test_what_has_ended_stays_as_it_was(disaster: Disaster) -> None:
    hub = disaster.hub
    hub.finish(program("abort_after_lines", 3), name="p")
    before = hub.list()["p"]
    disaster.strike()
    after = hub.list()["p"]
    # Who used it was in the memory of the daemon that was killed.
    unknown = {"last_used_at": None}
    assert {**after, **unknown} == {**before, **unknown}
    assert hub.lines("p") == ["line 1 of 3", "line 2 of 3", "line 3 of 3"]


def test_it_ends_while_no_daemon_lives(hub: Hub) -> None:
    """The keeper writes the exit record; the next daemon reads it."""
    info = hub.ready(program("sleeper"), name="p")
    hub.forget_connections()
    hub.daemon.kill()
    os.kill(info["pid"], signal.SIGUSR1)
    wait_gone(info["pid"])
    hub.daemon.start()
    found = hub.list()["p"]
    assert (found["state"], found["signal"], found["reason"]) == ("failed", "SIGUSR1", "ended by SIGUSR1")
    assert found["ended_at"] >= found["started_at"]


def test_it_ends_while_neither_lives(hub: Hub) -> None:
    """Nobody saw it: the kernel may still tell how, else it is lost; all that it had written is there."""
    info = hub.ready(program("sleeper"), name="p")
    keeper = hub.keeper_pid()
    hub.forget_connections()
    hub.daemon.kill()
    os.kill(keeper, signal.SIGKILL)
    wait_gone(keeper)
    os.kill(info["pid"], signal.SIGKILL)
    wait_gone(info["pid"])
    hub.daemon.start()
    found = hub.call("wait_for_process", "p", exit=True, timeout_seconds=10)
    if found["state"] == "lost":
        assert (found["exit_code"], found["signal"]) == (None, None)
        assert "not known" in found["reason"]
    else:
        assert (found["state"], found["signal"]) == ("failed", "SIGKILL")
    assert hub.lines("p") == ["ready"]
    assert hub.call("restart_process", "p", environment={"PATH": os.environ["PATH"]})["run"] == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_end_leaves_the_processes(hub: Hub, number: int) -> None:
    info = hub.ready(program("sleeper"), name="p")
    hub.forget_connections()
    hub.daemon.kill(number)
    assert is_alive(info["pid"])
    assert "daemon.ended" in hub.daemon.log()
    hub.daemon.start()
    assert hub.list()["p"]["pid"] == info["pid"]


def test_a_hang_up_does_not_end_the_daemon(hub: Hub) -> None:
    os.kill(hub.daemon.pid, signal.SIGHUP)
    assert hub.list() == {}


def test_shutdown_tells_what_it_left_and_what_it_stopped(hub: Hub) -> None:
    info = hub.ready(program("sleeper"), name="p")
    reply = hub.connection.call("shutdown_daemon")
    assert (reply["left_running"], reply["stopped"], reply["pid"]) == (["shop/p"], [], hub.daemon.pid)
    hub.forget_connections()
    wait_gone(hub.daemon.pid)
    assert is_alive(info["pid"])
    hub.daemon.start()
    reply = hub.connection.call("shutdown_daemon", stop_processes=True)
    assert (reply["left_running"], reply["stopped"]) == ([], ["shop/p"])
    assert not is_alive(info["pid"])
    hub.forget_connections()
    wait_gone(hub.daemon.pid)
    hub.daemon.start()


def test_a_stop_that_a_daemon_died_in_is_resumed(hub: Hub) -> None:
    """Somebody asked for the end; a new daemon must not show `stopping` for ever."""
    info = hub.ready(program("ignore_term", "SIGINT"), name="p")
    other = hub.connect()
    params = {"process": "p", "working_directory": str(hub.project), "signal": "SIGINT", "grace_seconds": 60}
    other.send({"jsonrpc": "2.0", "id": 1, "method": "stop_process", "params": {**params, "reason": "lunch"}})
    # On disk, not in `list`: a daemon that dies before it has written it down has not sent any signal either.
    record = Path(hub.daemon.home.runs, info["run_id"], "record.json")
    eventually(lambda: json.loads(record.read_text("ascii"))["state"] == "stopping")
    hub.forget_connections()
    hub.daemon.kill()
    assert is_alive(info["pid"])
    hub.daemon.start()
    wait_gone(info["pid"])
    hub.await_state("p", "stopped")
    assert hub.status("p")["reason"].endswith("lunch")


def test_a_stop_outlives_the_death_of_the_keeper(hub: Hub) -> None:
    info = hub.ready(program("ignore_term"), name="p")
    stopping = hub.aside("stop_process", "p", grace_seconds=0.5)
    # It is stopping for half a second: who is held for so long would wait for that in vain.
    eventually(lambda: hub.state("p") in ("stopping", "stopped"))
    os.kill(hub.keeper_pid(), signal.SIGKILL)
    assert stopping.result(10)["state"] == "stopped"
    assert not is_alive(info["pid"])


def test_starts_go_on_over_the_death_of_the_keeper(hub: Hub) -> None:
    for number in range(6):
        keeper = hub.keeper_pid()
        starting = hub.aside("start_process", command=["sleep", f"100{number}"])
        os.kill(keeper, signal.SIGKILL)
        info = starting.result(10)
        assert info["state"] == "running"
        assert is_alive(info["pid"])
        await_other_keeper(hub, keeper)
    assert len(hub.list(running=True)) == 6


def test_three_deaths_of_the_daemon_leave_one_of_each(hub: Hub, restarted: Callable[[], Hub]) -> None:
    pids = {"a": hub.start(program("sleeper"), name="a")["pid"], "b": hub.start(["sleep", "1000"], name="b")["pid"]}
    for _ in range(3):
        restarted()
        assert {name: info["pid"] for name, info in hub.list().items()} == pids


def test_a_second_daemon_exits_3_and_disturbs_nothing(hub: Hub) -> None:
    instance = hub.connection.hello["instance"]
    command = [sys.executable, "-m", "persistproc_core.daemon", "--home", hub.daemon.home.path]
    second = subprocess.run(
        command,
        env=environment(hub.daemon.home),
        cwd="/",
        capture_output=True,
        timeout=10,
        check=False,
        encoding="utf-8",
    )
    assert second.returncode == 3
    assert hub.daemon.home.path in second.stderr
    assert "Traceback" not in second.stderr
    assert hub.connect().hello["instance"] == instance


def test_a_wait_that_began_before_the_keeper_knew_the_run(own: Hub) -> None:
    """The keeper that was asked to watch dies before it starts anything; the next one starts it, and watches."""
    own.finish(["true"], name="p")
    record = Path(own.call("get_process_status", "p")["log_directory"]) / "record.json"
    keeper = own.keeper_pid()
    # Released: otherwise the start would wait for the stopped keeper to do that.
    eventually(lambda: json.loads(record.read_text("ascii"))["released"])
    os.kill(keeper, signal.SIGSTOP)
    started = own.aside("start_process", command=["sh", "-c", "sleep 0.5; echo here; sleep 60"], name="p")
    eventually(lambda: own.call("get_process_output", "p")["run"] == 2)
    waiting = own.aside("wait_for_process", "p", output="here", timeout_seconds=8)
    time.sleep(0.2)  # nobody can see that it waits; where it does not yet, nothing is tested
    os.kill(keeper, signal.SIGKILL)
    assert started.result(10)["run"] == 2
    assert waiting.result(10)["line"] == "here"
