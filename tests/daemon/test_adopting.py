"""Servers that somebody started outside: taken into the list, followed, ended only when that is meant."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.daemon.fdinfo import count_lines
from tests.daemon.hub import Hub, at_once
from tests.daemon.outside import Outside
from tests.daemon.records import lose_record
from tests.kit import eventually, free_port, is_alive, program, wait_gone

Start = Callable[..., Outside]
MEANT = {"force": True, "reason": "it is in the way", "grace_seconds": 5}


@pytest.fixture
def outside(project: Path) -> Iterator[Start]:
    """Starts servers in the project, outside of persistproc."""
    with ExitStack() as stack:
        yield lambda command, **options: Outside(stack, options.pop("directory", project), command, **options)


def serving(start: Start, **options: object) -> tuple[Outside, int]:
    """An HTTP server outside, and its port."""
    server = start(program("http_server"), **options)
    return server, int(server.printed(b"ready ").split()[1])


def test_by_its_port(hub: Hub, outside: Start) -> None:
    server, port = serving(outside, variables={"GIVEN": "outside"})
    info = hub.call("adopt_process", port=port, reason="for the list")
    assert (info["name"], info["state"], info["pid"], info["adopted"], info["run"]) == (
        "http_server",
        "running",
        server.pid,
        True,
        1,
    )
    assert info["argv"] == program("http_server")
    assert info["working_directory"] == info["project_directory"] == str(hub.project)
    assert info["reason"] == f"adopted by unknown: for the list; its output is read from {server.log}"
    assert [listener["port"] for listener in info["ports"]] == [port]
    assert info["memory_bytes"] > 1_000_000
    assert hub.await_line("http_server", "^ready") == f"ready {port}", "what it had printed before"
    status = hub.status("http_server")
    assert "GIVEN" in status["environment_names"]
    assert status["started_at"] < status["last_used_at"]
    again = hub.call("adopt_process", pid=server.pid, name="http_server")
    assert again["run_id"] == info["run_id"], "asked twice, the same run"
    assert hub.call("start_process", command=program("http_server"))["already_running"] is True

    server_end = hub.error("stop_process", "http_server")
    assert (server_end.code, server_end.error["data"]["adopted"]) == ("process_protected", True)
    assert is_alive(server.pid)
    os.kill(server.pid, signal.SIGTERM)
    assert server.read_line() == "over 143"
    ended = hub.call("wait_for_process", "http_server", exit=True, timeout_seconds=10)
    assert (ended["state"], ended["signal"]) in {("failed", "SIGTERM"), ("lost", None)}
    assert hub.stop("http_server")["stopped_pids"] == [], "what has ended needs no reason"
    server.assert_untouched()


def test_nothing_is_done_to_it_without_a_reason(hub: Hub, outside: Start) -> None:
    server = outside(program("sleeper"))
    hub.call("adopt_process", pid=server.pid, name="web")
    for force in (False, True):
        refused = [
            hub.error("stop_process", "web", force=force),
            hub.error("restart_process", "web", force=force),
            hub.error("signal_process", "web", signal="TERM", force=force),
            hub.error("start_process", command=program("sleeper"), name="web", fresh=True, force=force),
            hub.error("start_process", command="true", name="web", replace=True, force=force),
        ]
        assert {error.code for error in refused} == {"process_protected"}
        assert all("was not started by persistproc, but adopted; nothing was done" in str(error) for error in refused)
    assert "input is its user's" in str(hub.error("send_process_input", "web", input="x"))
    assert hub.status("web")["pid"] == server.pid
    assert is_alive(server.pid)


def test_a_stop_ends_it_and_its_children_and_nobody_else(hub: Hub, outside: Start) -> None:
    server = outside(program("spawn_tree", "plain", "setsid", "double"))
    server.printed(b"ready")
    told = dict(line.split() for line in server.log.read_text("utf-8").splitlines()[:-1])
    info = hub.call("adopt_process", pid=server.pid, name="web")
    assert info["processes"] == 3, "one of its grandchildren had another parent before it was adopted"
    reply = hub.stop("web", **MEANT)
    assert reply["stopped_pids"] == sorted([server.pid, int(told["plain"]), int(told["setsid"])])
    assert (reply["state"], reply["ended_by"], reply["reason"]) == (
        "stopped",
        "SIGTERM",
        "stopped by unknown: it is in the way",
    )
    assert server.read_line() == "over 143"
    server.assert_untouched()
    os.kill(int(told["double"]), signal.SIGKILL)


def test_children_whose_parent_has_died_are_still_known(hub: Hub, outside: Start) -> None:
    server = outside(program("spawn_tree", "plain"))
    server.printed(b"ready")
    child = int(server.log.read_text("utf-8").split()[1])
    hub.call("adopt_process", pid=server.pid, name="web")
    os.kill(server.pid, signal.SIGKILL)
    assert server.read_line() == "over 137"
    eventually(lambda: hub.status("web")["survivors"] == [child])
    assert hub.error("stop_process", "web").code == "process_protected"
    assert hub.stop("web", **MEANT)["stopped_pids"] == [child]
    server.assert_untouched()


def test_children_of_one_that_has_died_are_known_to_the_next_daemon(own: Hub, outside: Start) -> None:
    server = outside(program("spawn_tree", "plain"))
    server.printed(b"ready")
    child = int(server.log.read_text("utf-8").split()[1])
    own.call("adopt_process", pid=server.pid, name="web")
    # It dies while nobody looks, and the next daemon is killed as well.
    own.forget_connections()
    own.daemon.kill()
    os.kill(server.pid, signal.SIGKILL)
    assert server.read_line() == "over 137"
    for _ in range(2):
        own.daemon.start()
        eventually(lambda: own.status("web")["survivors"] == [child], what="the child is known")
        own.forget_connections()
        own.daemon.kill()
    own.daemon.start()
    assert own.stop("web", **MEANT)["stopped_pids"] == [child]
    server.assert_untouched()


def test_a_restart_runs_its_own_command_line(hub: Hub, outside: Start) -> None:
    (hub.project / "api").mkdir()
    server = outside(program("sleeper"), directory=hub.project / "api", variables={"GIVEN": "outside"}, redirect="")
    assert server.read_line() == "ready"
    hub.call("adopt_process", pid=server.pid, name="api")
    reply = hub.call("restart_process", "api", **MEANT)
    assert (reply["run"], reply["adopted"], reply["environment_from"], reply["previous_run"]) == (2, False, "run", 1)
    assert reply["working_directory"] == str(hub.project / "api")
    assert reply["argv"] == program("sleeper")
    assert "GIVEN" in hub.status("api")["environment_names"]
    assert is_alive(reply["pid"])
    assert not is_alive(server.pid)
    server.assert_untouched()
    assert hub.stop("api")["state"] == "stopped", "what persistproc has started needs no reason"


def test_what_was_said_of_a_run_of_ours_is_not_said_of_it(hub: Hub, outside: Start) -> None:
    limits = {"ttl_seconds": 3600, "idle_timeout_seconds": 3600}
    hub.start(program("sleeper"), name="web", restart="always", autostart=True, **limits)
    hub.stop("web")
    server = outside(program("sleeper"))
    info = hub.call("adopt_process", pid=server.pid, name="web")
    options = {name: info[name] for name in ("restart", "autostart", *limits)}
    assert options == {"restart": "never", "autostart": False, "ttl_seconds": None, "idle_timeout_seconds": None}
    os.kill(server.pid, signal.SIGTERM)
    ended = hub.call("wait_for_process", "web", exit=True, timeout_seconds=10)
    assert (ended["run"], ended["state"]) == (2, "failed"), "its end where it was started is its end"


def test_it_is_let_go_and_lives(hub: Hub, outside: Start) -> None:
    server = outside(program("sleeper"))
    held = descriptors(hub, "pidfd")
    first = hub.call("adopt_process", pid=server.pid, name="web")
    assert hub.call("remove_process", "web")["runs"] == 1
    # Not more; fewer where those of the test before were still there when we counted.
    eventually(lambda: descriptors(hub, "pidfd") <= held, what="the daemon watches for its end no more")
    assert hub.list() == {}
    assert is_alive(server.pid)
    again = hub.call("adopt_process", pid=server.pid, name="other")
    assert (again["name"], again["run_id"] != first["run_id"]) == ("other", True)
    assert hub.stop("other", **MEANT)["stopped_pids"] == [server.pid]


def descriptors(hub: Hub, kind: str) -> int:
    """How many pidfds, or inotify watches, the daemon has; 0 where nobody tells."""
    return count_lines(hub.daemon.pid, {"pidfd": "Pid:", "inotify": "inotify "}[kind])


def test_ten_at_once_are_one(hub: Hub, outside: Start) -> None:
    server = outside(program("sleeper"))
    found = at_once(*[lambda: hub.aside("adopt_process", pid=server.pid).result(20)] * 10)
    assert {each["run_id"] for each in found} == {found[0]["run_id"]}
    assert len(hub.list()) == 1


def test_what_is_not_to_be_had(hub: Hub, outside: Start) -> None:
    server = outside(program("sleeper"), redirect="2> err.log")
    info = hub.call("adopt_process", pid=server.pid, name="web")
    assert info["reason"].endswith(
        f"; its stdout goes into a pipe and cannot be had; its stderr is read from {hub.project}/err.log"
    )
    other = outside(program("sleeper"), redirect="> /dev/null 2>&1")
    assert hub.call("adopt_process", pid=other.pid, name="b")["reason"].endswith("is thrown away (/dev/null)")
    master, slave = os.openpty()
    terminal = os.ttyname(slave)
    seen = outside(program("sleeper"), redirect=f"> {terminal} 2>&1")
    reason = hub.call("adopt_process", pid=seen.pid, name="c")["reason"]
    assert reason.endswith(f"; its output goes to the terminal {terminal} and cannot be had")
    os.close(master)
    os.close(slave)


def test_a_server_and_its_workers_are_one(hub: Hub, outside: Start) -> None:
    script = "import os, signal, socket\ns = socket.create_server(('127.0.0.1', 0))\nos.fork()\n"
    script += "print('ready', s.getsockname()[1], flush=True)\nsignal.pause()"
    server = outside([sys.executable, "-I", "-S", "-c", script])
    info = hub.call("adopt_process", port=int(server.printed(b"ready ").split()[1]))
    assert (info["pid"], info["processes"]) == (server.pid, 2)
    assert len(hub.stop(info["name"], **MEANT)["stopped_pids"]) == 2


def test_one_that_has_hidden_what_it_is(hub: Hub, outside: Start) -> None:
    titled = subprocess.Popen(["nginx: master process", "1000"], executable=shutil.which("sleep"), cwd=hub.project)
    hub.call("adopt_process", pid=titled.pid, name="nginx")
    error = hub.error("restart_process", "nginx", **MEANT)
    assert (error.code, is_alive(titled.pid)) == ("start_failed", True)
    hub.stop("nginx", **MEANT)
    titled.wait()
    blank = outside(program("overwrite_environment"))
    blank.printed(b"ready")
    assert hub.call("adopt_process", pid=blank.pid, name="blank")["state"] == "running"
    assert hub.status("blank")["environment_names"] == []
    reply = hub.call("restart_process", "blank", environment=dict(os.environ), **MEANT)
    assert reply["environment_from"] == "caller"
    hub.stop("blank")


@pytest.mark.skipif(sys.platform != "linux", reason="who the strangers are is told by /proc")
def test_who_is_refused(hub: Hub, outside: Start) -> None:
    keeper = hub.keeper_pid()
    ours = hub.ready(program("spawn_tree", "plain"), name="ours")
    child = int(hub.lines("ours")[0].split()[1])
    server = outside(program("sleeper"))
    hub.call("adopt_process", pid=server.pid, name="web")
    ended = subprocess.Popen(["true"])
    wait_gone(ended.pid)
    thread = threading.Thread(target=(over := threading.Event()).wait)
    thread.start()
    refusals = {
        thread.native_id: f"is a thread of process {os.getpid()}",
        hub.daemon.pid: "persistproc itself",
        keeper: "persistproc itself",
        os.getpid(): "what it was started from",
        ours["pid"]: "is a process of shop/ours already",
        child: "is a process of shop/ours already",
        server.shell.pid: f"shop/web (pid {server.pid}) was started by pid {server.shell.pid}",
        ended.pid: "has ended",
        2**31 - 1: "there is no process 2147483647",
    }
    for pid, words in refusals.items():
        error = hub.error("adopt_process", pid=pid)
        assert (error.code, words in str(error)) == ("not_adoptable", True), (pid, str(error))
    ended.wait()
    over.set()
    thread.join()
    assert "already, as shop/web" in str(hub.error("adopt_process", pid=server.pid, name="other"))
    assert "nobody listens on port" in str(hub.error("adopt_process", port=free_port()))
    assert hub.error("adopt_process").code == "invalid_params"
    assert hub.error("adopt_process", pid=server.neighbour, port=1).code == "invalid_params"
    assert hub.error("adopt_process", pid=server.neighbour, name="web").code == "name_taken"
    hub.stop("ours")


def test_a_process_of_another_user_is_refused(hub: Hub) -> None:
    with ExitStack() as stack:
        pid = _of_root()
        if os.getuid() == 0:
            other = stack.enter_context(
                subprocess.Popen(["setpriv", "--reuid=65534", "--clear-groups", "sleep", "1000"])
            )
            stack.callback(other.kill)
            eventually(lambda: psutil.Process(other.pid).name() == "sleep")
            pid = other.pid
        if pid is not None:  # in a container there may be nobody else
            error = hub.error("adopt_process", pid=pid)
            assert (error.code, "belongs to user" in str(error)) == ("not_adoptable", True)


def _of_root() -> int | None:
    # Asked at once, as psutil does it here: one that ends while we look is left out, and raises nothing.
    users = {each.pid: each.info["uids"] for each in psutil.process_iter(["uids"])}
    return next((pid for pid, ids in users.items() if pid > 1 and ids is not None and ids.real == 0), None)


def test_its_log_over_the_death_of_everybody(own: Hub, outside: Start) -> None:
    server = outside(program("steady_writer", 1))
    server.printed(b"out 5")

    def goes_on() -> None:
        written = server.log.read_bytes().count(b"\n") // 2
        own.await_line("web", f"^out {written + 20}$")

    own.call("adopt_process", pid=server.pid, name="web")
    goes_on()
    own.forget_connections()
    own.daemon.kill()
    own.daemon.start()
    goes_on()
    os.kill(own.keeper_pid(), signal.SIGKILL)
    goes_on()
    own.daemon.pid = own.connection.call("replace_daemon")["pid"]
    own.forget_connections()
    goes_on()
    info = own.status("web")
    assert (info["state"], info["pid"], info["adopted"]) == ("running", server.pid, True)
    assert "PATH" in info["environment_names"], "read anew from the kernel"
    # Everybody is dead while it says its last words.
    own.forget_connections()
    own.daemon.kill()
    os.kill(server.pid, signal.SIGTERM)
    assert server.read_line() == "over 0"
    own.daemon.start()
    own.await_state("web", "lost")
    path = own.log_path("web")
    eventually(lambda: path.read_bytes() == server.log.read_bytes(), what="the log is the file, byte for byte")


def test_a_file_that_is_cut_off_or_changed_for_another(hub: Hub, outside: Start) -> None:
    # Opened for both: neither the shell nor we wait for the other.
    os.mkfifo(hub.project / "words")
    words = os.open(hub.project / "words", os.O_RDWR)
    rotate = "echo the first line; read x; echo two; read x; exec > other.log 2>&1; echo three; exec sleep 1000"
    server = outside(["sh", "-c", rotate], redirect=">> web.log 2>&1 < words")
    watched = descriptors(hub, "inotify")
    hub.call("adopt_process", pid=server.pid, name="web")
    hub.await_line("web", "^the first")
    os.truncate(server.log, 0)
    os.write(words, b"go\n")
    hub.await_line("web", "^two")
    os.write(words, b"go\n")
    hub.await_line("web", "^three")
    os.close(words)
    assert hub.lines("web") == ["the first line", "two", "three"]
    if sys.platform == "linux":
        # Not more; fewer where those of the test before were still there when we counted.
        eventually(lambda: descriptors(hub, "inotify") <= watched + 1, what="the file before is let go")


def test_without_its_record_it_is_still_nobody_elses(own: Hub, outside: Start) -> None:
    server = outside(program("sleeper"))
    info = own.call("adopt_process", pid=server.pid, name="web")
    own.forget_connections()
    own.daemon.kill()
    lose_record(Path(own.daemon.home.runs) / info["run_id"])
    own.daemon.start()
    assert own.status("web")["adopted"] is True
    assert own.stop("web", **MEANT)["stopped_pids"] == [server.pid]
    server.assert_untouched()


def test_the_end_of_the_daemon_leaves_it_alone(own: Hub, outside: Start) -> None:
    server = outside(program("sleeper"))
    own.call("adopt_process", pid=server.pid, name="web")
    reply = own.connection.call("shutdown_daemon", stop_processes=True)
    assert (reply["stopped"], reply["left_running"]) == ([], ["shop/web"])
    assert is_alive(server.pid)
    own.forget_connections()
    wait_gone(own.daemon.pid)
    own.daemon.start()
    assert own.state("web") == "running"
    assert own.stop("web", **MEANT)["stopped_pids"] == [server.pid]
