"""The daemon died while a child was between fork and exec, and exec failed: nobody told the next daemon, which listed
the process as running for ever, under the pid of nobody, and every later start joined it."""

from __future__ import annotations

from tests.daemon.hub import Hub
from tests.kit import eventually, wait_gone
from tests.regressions.slow_exec import NOT_THERE, HeldChild


def restart_daemon(hub: Hub) -> None:
    hub.forget_connections()
    hub.daemon.kill()
    hub.daemon.start()


def test_exec_fails_after_the_daemons_death(own: Hub) -> None:
    child = HeldChild(own, [NOT_THERE], "g")
    restart_daemon(own)
    assert own.list()["g"]["state"] == "starting"
    child.go_on()
    wait_gone(child.pid)
    eventually(lambda: own.list().get("g", {}).get("state") not in ("starting", "running"))
    assert own.error("start_process", command=[NOT_THERE], name="g").code == "start_failed"


def test_exec_succeeds_after_the_daemons_death(own: Hub) -> None:
    child = HeldChild(own, ["sleep", "1000"], "g")
    restart_daemon(own)
    assert own.list()["g"]["state"] == "starting"
    child.go_on()
    own.await_state("g", "running")
    assert own.start(["sleep", "1000"], name="g")["already_running"] is True
    assert own.stop("g")["stopped_pids"] == [child.pid]
