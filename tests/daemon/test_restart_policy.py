"""Restart policies on real processes: what comes back, what does not, who is told, and what survives the daemon."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.hub import Hub, at_once
from tests.daemon.subscriber import Subscriber
from tests.kit import eventually, program, wait_gone

AGENT = {"name": "cursor", "pid": 22}
POLICY = {"name": "persistproc"}
FAILS = program("exit_n", 3)
WELL = program("exit_n", 0)
SLEEPER = program("sleeper")
SOON = {"pause_seconds": 0}
# Jitter takes a random part of it: that is below a second once in 86,400 times.

LATER = {"pause_seconds": 86400, "longest_pause_seconds": 86400}

Rule = Callable[..., None]


@pytest.fixture
def rule(hub: Hub) -> Iterator[Rule]:
    """Configures the back-off of the shared daemon, which reads it at the next start of a run."""
    path = Path(hub.daemon.home.config)
    yield lambda **values: _configure(path, values)
    path.unlink(missing_ok=True)


def _configure(path: Path, values: dict[str, float]) -> None:
    path.write_text("[restart]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()), "utf-8")


@pytest.fixture
def own_rule(own: Hub) -> Rule:
    """The same for a daemon of the test's own."""
    path = Path(own.daemon.home.config)
    return lambda **values: _configure(path, values)


def ended(hub: Hub, command: list[str], **params: Any) -> dict[str, Any]:
    """Start it and wait for the end of its first run; how the process is then."""
    info = hub.start(command, **{"name": "p", **params})
    if info["state"] in ("starting", "running"):
        hub.call("wait_for_process", "p", exit=True)
    return hub.status("p")


def restart(hub: Hub, name: str) -> None:
    """Restart it, whatever is told: that the new run has failed is, unless it was held for a while before it did."""
    hub.connection.request("restart_process", {"process": name, "working_directory": str(hub.project)})


def await_runs(hub: Hub, count: int) -> dict[str, Any]:
    """The process once its newest run has that number."""
    eventually(lambda: hub.status("p")["run"] >= count, what=f"run {count}", within=10)
    return hub.status("p")


# --- what comes back ------------------------------------------------------------------------------------------------


def test_a_row_of_five_and_no_more(hub: Hub, rule: Rule) -> None:
    """Counted by events, which tell who did it and why."""
    rule(**SOON)
    hub.call("get_news", client=AGENT)
    events = Subscriber(hub, "watch_processes", types=["started", "restarted", "failed", "given_up"])
    hub.start(FAILS, name="p", restart="on-failure", environment={"WHO": "me"}, umask=0o027)
    given_up = events.until_event("given_up")
    assert (events.kinds.count("started"), events.kinds.count("restarted"), events.kinds.count("failed")) == (6, 5, 6)
    restarted = [event for event in events.events if event["type"] == "restarted"]
    assert {(event["by"]["name"], event["reason"]) for event in restarted} == {
        ("persistproc", "restarted by persistproc: restart policy on-failure: exited with code 3")
    }
    assert [event["previous_run"] for event in restarted] == [1, 2, 3, 4, 5]
    states = [event["state"] for event in events.events if event["type"] == "failed"]
    assert states == [*["restarting"] * 5, "failed"]
    words = "exited with code 3; given up after 5 restarts in a row: persistproc restart p tries again"
    assert (given_up["reason"], given_up["by"]) == (words, POLICY)
    status = hub.status("p")
    assert (status["state"], status["reason"], status["restarts"]) == ("failed", words, 5)
    assert (status["restart_at"], status["restart"]) == (None, "on-failure")
    assert [run["reason"] for run in status["history"][1:]] == ["exited with code 3"] * 5
    assert status["start_reason"] == "restart policy on-failure: exited with code 3"
    assert "WHO" in status["environment_names"]
    news = [event["type"] for event in hub.call("get_news", client=AGENT)["events"]]
    assert news == ["started", *["restarted"] * 5, "given_up"], "how each ended stands in the reason of what followed"


def test_by_hand_the_row_begins_anew(hub: Hub, rule: Rule) -> None:
    rule(pause_seconds=0, limit=1)
    ended(hub, FAILS, restart="on-failure")
    hub.await_state("p", "failed")
    assert "given up after 1 restart in a row" in hub.status("p")["reason"]
    restart(hub, "p")
    await_runs(hub, 4)
    hub.await_state("p", "failed")
    assert [run["started_by"]["name"] == "persistproc" for run in hub.status("p")["history"]] == [
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("policy", "command", "comes_back"),
    [
        ("never", FAILS, False),
        ("on-failure", FAILS, True),
        ("on-failure", WELL, False),
        ("on-failure", program("die_by_signal"), True),
        ("always", WELL, True),
    ],
    ids=["never", "failed", "well", "killed", "always"],
)
def test_what_the_policies_mean(hub: Hub, rule: Rule, policy: str, command: list[str], comes_back: bool) -> None:
    rule(**LATER)
    status = ended(hub, command, restart=policy)
    assert (status["state"] == "restarting") == comes_back, status["reason"]
    assert (status["restart_at"] is not None) == comes_back
    assert status["history"][0]["state"] in ("failed", "exited")


def test_a_signal_is_no_stop(hub: Hub, rule: Rule) -> None:
    """Who sends one through persistproc asks for nothing but the signal."""
    rule(**LATER)
    hub.ready(SLEEPER, name="p", restart="on-failure")
    hub.call("signal_process", "p", signal="KILL")
    status = hub.call("wait_for_process", "p", exit=True)
    assert (status["state"], status["met"]) == ("restarting", "exit")


def test_a_stop_is_the_end(hub: Hub, rule: Rule) -> None:
    rule(**SOON)
    hub.ready(SLEEPER, name="p", restart="always")
    assert hub.stop("p")["state"] == "stopped"
    assert hub.status("p")["restart_at"] is None


def test_a_run_that_was_up_for_long_ends_the_row(hub: Hub, rule: Rule) -> None:
    rule(pause_seconds=0, reset_seconds=0, limit=2)
    hub.ready(SLEEPER, name="p", restart="always")
    for number in range(2, 6):
        hub.call("signal_process", "p", signal="KILL")
        assert await_runs(hub, number)["restarts"] == 1
        hub.await_line("p", "^ready")


def test_what_the_old_run_left_behind_is_ended_first(hub: Hub, rule: Rule) -> None:
    rule(**SOON)
    hub.start(["sh", "-c", "sleep 1000 & echo member $!; exit 1"], name="p", restart="on-failure")
    await_runs(hub, 2)
    wait_gone(int(hub.lines("p", run=1)[0].split()[1]))


def test_a_program_that_is_gone_is_not_tried_for_ever(hub: Hub, rule: Rule) -> None:
    rule(pause_seconds=0.001)
    script = hub.project / "serve"
    script.write_text("#!/bin/sh\nrm serve\nexit 1\n", "ascii")
    script.chmod(0o755)
    events = Subscriber(hub, "watch_processes", types=["started", "given_up"])
    hub.start(["./serve"], name="p", restart="on-failure")
    given_up = events.until_event("given_up")
    assert events.kinds == ["started", "given_up"]
    assert re.fullmatch(
        r"exited with code 1; restart 5 failed: .*serve.*; given up after 5 restarts in a row: .*", given_up["reason"]
    )
    assert hub.status("p")["runs"] == 1


# --- while it waits -------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(hub: Hub, rule: Rule) -> dict[str, Any]:
    """A process in the pause before its first restart."""
    rule(**LATER)
    return ended(hub, FAILS, restart="on-failure")


def test_how_it_is_shown(hub: Hub, waiting: dict[str, Any]) -> None:
    assert re.fullmatch(r"exited with code 3; starts again in \d+ s \(1 of 5\)", waiting["reason"])
    assert (waiting["state"], waiting["exit_code"], waiting["restarts"]) == ("restarting", 3, 0)
    assert waiting["history"][0]["reason"] == "exited with code 3"
    assert hub.list(running=True)["p"]["state"] == "restarting"
    assert hub.call("wait_for_process", "p", state="restarting")["met"] == "state"
    assert hub.call("wait_for_process", "p")["met"] == "exit"
    error = hub.error("wait_for_process", "p", output="never")
    assert error.code == "wait_failed"
    assert "(1 of 5): wait again then" in error.error["data"]["hint"]


def test_a_wait_sees_it_come(hub: Hub, rule: Rule) -> None:
    rule(**LATER)
    hub.ready(SLEEPER, name="p", restart="on-failure")
    restarting = hub.aside("wait_for_process", "p", state="restarting")
    ready = hub.aside("wait_for_process", "p", output="never")
    hub.call("signal_process", "p", signal="KILL")
    assert restarting.result(10)["met"] == "state"
    with pytest.raises(AssertionError, match="cannot come any more"):
        ready.result(10)


def test_a_stop_wins_and_is_kept(hub: Hub, waiting: dict[str, Any], restarted: Callable[[], Hub], rule: Rule) -> None:
    events = Subscriber(hub, "watch_processes", types=["given_up"])
    reply = hub.stop("p", client=AGENT, reason="lunch")
    assert (reply["already_stopped"], reply["ended_by"], reply["stopped_pids"]) == (False, None, [])
    told = "exited with code 3; not started again: stopped by cursor: lunch"
    assert (reply["state"], reply["reason"], reply["restart_at"]) == ("failed", told, None)
    assert (reply["stopped_by"], reply["stop_reason"]) == (AGENT, "lunch")
    event = events.until_event("given_up")
    assert (event["by"], event["reason"], event["state"]) == (AGENT, "stopped by cursor: lunch", "failed")
    assert hub.stop("p")["already_stopped"] is True
    rule(**SOON)
    status = restarted().status("p")
    assert (status["state"], status["reason"], status["stopped_by"]) == ("failed", told, AGENT)
    hub.finish(["true"], name="q")
    assert hub.status("p")["run"] == 1


def test_a_stop_of_all_that_runs_counts_it(hub: Hub, waiting: dict[str, Any]) -> None:
    for name in hub.list(running=True):
        hub.stop(name)
    assert hub.list(running=True) == {}


@pytest.mark.parametrize("verb", ["restart_process", "start_process"])
def test_by_hand_comes_before_the_plan(hub: Hub, waiting: dict[str, Any], verb: str) -> None:
    if verb == "start_process":
        hub.start(FAILS, name="p")
    else:
        assert "starts again in" in hub.restart_in_vain("p").error["data"]["hint"]
    new, *_, old = hub.status("p")["history"]
    assert new["run"] > old["run"] == 1
    assert new["started_by"]["name"] != "persistproc"
    hub.await_state("p", "restarting")
    assert "(1 of 5)" in hub.status("p")["reason"], "a row of its own"


def test_another_command_does_not_take_its_name(hub: Hub, waiting: dict[str, Any]) -> None:
    assert hub.error("start_process", command=SLEEPER, name="p").code == "name_taken"
    assert "p is restarting: " in str(hub.error("capture_process", name="p"))
    assert hub.start(SLEEPER, name="p", replace=True)["run"] == 2


def test_a_start_that_fails_leaves_the_plan(hub: Hub, waiting: dict[str, Any]) -> None:
    hub.error("start_process", command=["./nothing-there"], name="p", replace=True, restart="never")
    status = hub.status("p")
    assert (status["state"], status["restart"], status["run"]) == ("restarting", "on-failure", 1)


def test_it_is_not_removed(hub: Hub, waiting: dict[str, Any]) -> None:
    error = hub.error("remove_process", "p")
    assert error.code == "still_running"
    assert "is restarting: starts again in" in str(error)
    assert error.error["data"]["hint"] == "stop it first"
    assert hub.call("prune_processes")["processes"] == []
    assert hub.call("prune_processes", keep_runs=0)["processes"] == []
    hub.stop("p")
    assert hub.call("remove_process", "p")["runs"] == 1


def test_its_policy_may_be_taken_away(hub: Hub, waiting: dict[str, Any]) -> None:
    reply = hub.call("configure_process", "p", restart="never", client=AGENT, reason="it is broken")
    assert (reply["state"], reply["restart_at"], reply["stopped_by"]) == ("failed", None, None)
    assert reply["reason"] == (
        "exited with code 3; not started again: configured by cursor: restart never (was on-failure): it is broken"
    )


def test_a_shutdown_with_stop_ends_the_plan(own: Hub, own_rule: Rule) -> None:
    own_rule(**LATER)
    folder = Path(ended(own, FAILS, restart="on-failure")["log_directory"])
    own.daemon.shut_down()
    record = json.loads((folder / "record.json").read_bytes())
    assert (record["state"], record["next_restart"], record["stop"]["reason"]) == ("failed", None, "shutdown")


# --- over the end of the daemon -------------------------------------------------------------------------------------


def test_the_next_daemon_goes_on(hub: Hub, waiting: dict[str, Any], restarted: Callable[[], Hub], rule: Rule) -> None:
    rule(**SOON)
    restarted()
    second = await_runs(hub, 2)["history"]
    begun = next(run for run in second if run["run"] == 2)
    assert begun["started_by"] == POLICY
    unknown = "nobody knew its environment any more: it has the daemon's"
    assert begun["start_reason"] == f"restart policy on-failure: exited with code 3; {unknown}"


def test_the_daemon_that_takes_over_goes_on(hub: Hub, rule: Rule) -> None:
    """With the environment, which goes over from memory to memory."""
    rule(**LATER)
    ended(hub, FAILS, restart="on-failure", environment={"SECRET": "s3"})
    rule(**SOON)
    hub.daemon.pid = hub.connection.call("replace_daemon")["pid"]
    hub.forget_connections()
    status = await_runs(hub, 2)
    assert status["history"][-2]["start_reason"] == "restart policy on-failure: exited with code 3"
    assert "SECRET" in status["environment_names"]


def test_an_end_that_no_daemon_saw(hub: Hub, rule: Rule, restarted: Callable[[], Hub]) -> None:
    """The next one finds it, and starts it again. Of one that lives it asks the kernel for the environment at once."""
    rule(**SOON)
    hidden = {"SECRET": "s3", "PATH": os.environ["PATH"]}
    info = hub.ready(SLEEPER, name="p", restart="on-failure", environment=hidden, inherit_environment=False)
    hub.forget_connections()
    hub.daemon.kill()
    os.kill(info["pid"], signal.SIGKILL)
    wait_gone(info["pid"])
    hub.daemon.start()
    await_runs(hub, 2)
    hub.await_line("p", "^ready")  # until it is launched it has no pid
    second = hub.status("p")
    assert (second["started_by"], second["restarts"]) == (POLICY, 1)
    assert "ended by SIGKILL; nobody knew its environment" in second["start_reason"]
    restarted()
    hub.await_line("p", "^ready")
    os.kill(second["pid"], signal.SIGKILL)
    assert await_runs(hub, 3)["start_reason"] == "restart policy on-failure: ended by SIGKILL"


# --- at the same moment ---------------------------------------------------------------------------------------------


def test_stops_and_restarts_race_the_try(hub: Hub, rule: Rule) -> None:
    """Whoever comes when: after the answer to a stop nothing runs and nothing is planned, and runs do not overlap."""
    rule(pause_seconds=0.05, longest_pause_seconds=0.05, limit=1000)
    events = Subscriber(hub, "watch_processes", types=["started", "exited", "failed", "stopped"])
    rounds = 60 if os.environ.get("TESTS_FULL") == "1" else 8
    hub.start(["sh", "-c", "exit 1"], name="p", restart="always")
    for number in range(rounds):
        time.sleep(0.05 * number / rounds)  # where in the pause it strikes
        stop, other = (hub.aside("stop_process", "p"), hub.aside("restart_process", "p") if number % 2 else None)
        if other is not None:
            other.exception(10)  # that the new run failed at once is no news
            hub.stop("p")
        stop.result(10)
        status = hub.status("p")
        assert status["state"] in ("failed", "stopped")
        hub.finish(["true"], name="q")
        assert hub.status("p")["run"] == status["run"], "stop wins"
        restart(hub, "p")
    hub.stop("p")
    hub.finish(["true"], name="last")
    events.until(lambda: any(event["name"] == "last" and event["type"] == "exited" for event in events.events))
    kinds = [event["type"] for event in events.events if event["name"] == "p"]
    for before, after in itertools.pairwise(kinds):
        assert (before == "started") != (after == "started"), kinds


def test_ten_stops_in_one_pause(hub: Hub, waiting: dict[str, Any]) -> None:
    replies = at_once(*[lambda: hub.aside("stop_process", "p").result(10)] * 10)
    assert sorted(reply["already_stopped"] for reply in replies) == [False, *[True] * 9]


# --- options --------------------------------------------------------------------------------------------------------


def test_joining_tells_what_differs(hub: Hub) -> None:
    hub.ready(SLEEPER, name="p", ttl_seconds=7200)
    options = {"restart": "always", "autostart": True, "ttl_seconds": 0, "idle_timeout_seconds": 5400}
    reply = hub.start(SLEEPER, name="p", **options)
    assert reply["already_running"]
    found = {each["what"]: (each["asked"], each["running"]) for each in reply["differences"] if "asked" in each}
    assert found == {
        "restart": ("always", "never"),
        "autostart": ("yes", "no"),
        "ttl_seconds": ("never", "2h"),
        "idle_timeout_seconds": ("1h30m", "never"),
    }
    assert hub.start(SLEEPER, name="p")["differences"] == []
    assert hub.status("p")["restart"] == "never"


def test_options_are_kept_until_they_are_changed(hub: Hub) -> None:
    events = Subscriber(hub, "watch_processes", types=["configured"])
    hub.ready(SLEEPER, name="p", restart="always", ttl_seconds=7200)
    reply = hub.call("configure_process", "p", autostart=True, ttl_seconds=0, client=AGENT, reason="demo")
    assert (reply["restart"], reply["autostart"], reply["ttl_seconds"]) == ("always", True, None)
    event = events.until_event("configured")
    words = "configured by cursor: autostart yes (was no), ttl never (was 2h): demo"
    assert (event["by"], event["reason"], event["state"]) == (AGENT, words, "running")
    hub.call("configure_process", "p", autostart=True)  # as it is: nothing to tell
    record = json.loads(Path(hub.status("p")["log_directory"], "record.synced.json").read_bytes())
    assert record["options"] == {
        "restart": "always",
        "autostart": True,
        "ttl_seconds": None,
        "idle_timeout_seconds": None,
    }
    hub.call("restart_process", "p")
    hub.stop("p")
    hub.start(SLEEPER, name="p")
    status = hub.status("p")
    assert (status["run"], status["restart"], status["autostart"], status["ttl_seconds"]) == (3, "always", True, None)
    hub.call("configure_process", "p", ttl_seconds=7200)
    assert hub.call("restart_process", "p")["ttl_seconds"] == 7200
    hub.stop("p")
    assert hub.start(SLEEPER, name="p")["ttl_seconds"] is None, "limits are those of a start"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "invalid_params"),
        ({"restart": "sometimes"}, "invalid_params"),
        ({"ttl_seconds": -1}, "invalid_params"),
        ({"idle_timeout_seconds": 1e9}, "invalid_params"),
        ({"autostart": "yes"}, "invalid_params"),
    ],
)
def test_bad_options_change_nothing(hub: Hub, params: dict[str, Any], code: str) -> None:
    hub.finish(WELL, name="p")
    before = hub.status("p")
    assert hub.error("configure_process", "p", **params).code == code
    assert hub.status("p") == before


def test_options_that_cannot_be_kept_are_not_taken(hub: Hub) -> None:
    hub.finish(WELL, name="p")
    obstacle = Path(hub.status("p")["log_directory"], "record.json.new")
    obstacle.mkdir()
    assert hub.error("configure_process", "p", restart="always").code == "storage_failed"
    assert hub.status("p")["restart"] == "never"
    obstacle.rmdir()
    assert hub.call("configure_process", "p", restart="always")["restart"] == "always"
    assert hub.state("p") == "exited", "it counts from the next run on"


# --- after a reboot -------------------------------------------------------------------------------------------------


def test_autostart_after_a_reboot(own: Hub) -> None:
    """What had it and was not stopped comes back; a policy alone does not bring it back."""
    script = own.project / "serve"
    script.write_text("#!/bin/sh\nexit 0\n", "ascii")
    script.chmod(0o755)
    own.finish(["./serve"], name="gone", autostart=True)
    own.ready(SLEEPER, name="comes", autostart=True)
    own.finish(WELL, name="too", autostart=True)
    own.ready([*SLEEPER, "another"], name="policy", restart="always")
    own.ready([*SLEEPER, "third"], name="stopped", autostart=True)
    own.stop("stopped")
    own.finish([*WELL, "fourth"], name="ended", autostart=True)
    own.stop("ended")
    infos = own.list()
    own.forget_connections()
    own.daemon.kill_all()
    script.unlink()
    for info in infos.values():
        _move_to_another_boot(Path(own.daemon.home.runs, info["run_id"]))
    own.daemon.start()
    eventually(lambda: own.status("too")["run"] == 2, what="the job ran again")
    eventually(lambda: own.status("comes")["run"] == 2, what="it came back")
    own.await_line("comes", "^ready")
    status = own.status("comes")
    assert (status["run"], status["started_by"], status["autostart"]) == (2, POLICY, True)
    assert status["start_reason"] == (
        "autostart: the machine was started again; nobody knew its environment any more: it has the daemon's"
    )
    # Whether the keeper came to write down how they ended is chance here, as with a power button.
    assert status["history"][1]["state"] in ("lost", "failed")
    assert own.state("policy") in ("lost", "failed")
    assert own.state("stopped") == "stopped"
    assert (own.status("policy")["run"], own.status("stopped")["run"]) == (1, 1)
    eventually(lambda: "autostart failed: " in own.status("gone")["reason"], what="told")
    assert (own.state("gone"), own.status("gone")["run"]) == ("exited", 1)
    # Stopped when it had ended already: that was said of the process, not of the run.
    assert (own.status("ended")["run"], own.status("ended")["stopped_by"] is not None) == (1, True)


def _move_to_another_boot(folder: Path) -> None:
    for name in ("record.json", "record.synced.json"):
        record = json.loads((folder / name).read_bytes())
        record["boot_id"] = "another-boot"
        if record["identity"] is not None:
            record["identity"][0] = "another-boot"
        (folder / name).write_text(json.dumps(record), "ascii")
