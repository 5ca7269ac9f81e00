"""Watching events: their order, their numbers, filters, and going on after a loss."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path

from tests.daemon.hub import Hub
from tests.daemon.subscriber import Subscriber
from tests.kit import eventually, program, wait_gone


def watch(hub: Hub, **params: object) -> Subscriber:
    return Subscriber(hub, "watch_processes", **params)


def life(subscriber: Subscriber) -> list[tuple[str, str, int]]:
    """Name, type and run of the events so far, but for what depends on when somebody looks."""
    return [
        (event["name"], event["type"], event["run"])
        for event in subscriber.events
        if event["type"] not in ("output_seen", "port_opened", "port_closed", "waiting_for_input", "input_taken")
    ]


def test_the_life_of_a_process(hub: Hub) -> None:
    watcher = watch(hub)
    hub.ready(program("echo_stdin"), name="p")
    hub.call("restart_process", "p", reason="because")
    hub.stop("p")
    hub.call("remove_process", "p")
    hub.finish(["sh", "-c", "exit 7"], name="p")
    watcher.until_event("failed")
    assert [kind for _, kind, _ in life(watcher)] == [
        *("started", "stopping", "stopped", "started", "restarted", "stopping", "stopped", "removed"),
        *("started", "failed"),
    ]
    numbers = [event["sequence"] for event in watcher.events]
    assert numbers == sorted(set(numbers))
    by_kind = {event["type"]: event for event in watcher.events}
    assert (by_kind["failed"]["exit_code"], by_kind["failed"]["state"]) == (7, "failed")
    assert by_kind["restarted"]["previous_run"] == 1
    assert "because" in by_kind["restarted"]["reason"]
    assert by_kind["started"]["pid"] > 0
    assert all(event["project_directory"] == str(hub.project) for event in watcher.events)
    assert hub.error("start_process", command=["/no/such/program"], name="q").code == "start_failed"
    hub.finish(["true"], name="r")
    watcher.until_event("exited")
    assert "q" not in [name for name, _, _ in life(watcher)], "what never ran has no events"


def test_replacing_a_run_is_a_restart_and_starting_an_ended_one_is_not(hub: Hub) -> None:
    watcher = watch(hub, types=["started", "restarted"])
    hub.finish(["true"], name="p")
    hub.finish(["true"], name="p")
    hub.ready(program("echo_stdin"), name="p", replace=True)
    hub.start(program("echo_stdin"), name="p", fresh=True)
    watcher.until(lambda: len(watcher.events) == 6)
    assert [(kind, run) for _, kind, run in life(watcher)] == [
        *(("started", 1), ("started", 2), ("started", 3), ("restarted", 3), ("started", 4), ("restarted", 4)),
    ]


def test_only_what_was_asked_for(hub: Hub, tmp_path: Path) -> None:
    hub.finish(["true"], name="p")
    (tmp_path / "other").mkdir()
    named, typed, own = watch(hub, processes=["p"]), watch(hub, types=["exited"]), watch(hub)
    everywhere = watch(hub, all_projects=True, types=["exited", "failed"])
    hub.finish(["true"], name="x", working_directory=str(tmp_path / "other"))
    hub.finish(["true"], name="q")
    hub.finish(["true"], name="p")
    named.until_event("exited")
    typed.until(lambda: len(typed.events) == 2)
    own.until(lambda: len(own.events) == 4)
    everywhere.until(lambda: len(everywhere.events) == 3)
    assert life(named) == [("p", "started", 2), ("p", "exited", 2)]
    assert life(typed) == [("q", "exited", 1), ("p", "exited", 2)]
    assert [name for name, _, _ in life(own)] == ["q", "q", "p", "p"]
    assert [name for name, _, _ in life(everywhere)] == ["x", "q", "p"]
    hub.call("remove_process", "x", working_directory=str(tmp_path / "other"))


def test_going_on_after_a_number(hub: Hub) -> None:
    hub.finish(["true"], name="p")
    first = watch(hub, after=0)
    first.until_event("exited")
    middle = first.events[-2]["sequence"]
    second = watch(hub, after=middle)
    assert second.next()["params"]["event"] == first.events[-1]
    assert (second.reply["missed"], second.reply["sequence"]) == (False, first.events[-1]["sequence"])
    assert watch(hub, after=10**9).reply["missed"] is True, "the number of another journal"


def test_what_was_answered_before_is_no_news(hub: Hub) -> None:
    """However long it takes to write the event down."""
    begin = watch(hub).reply["sequence"]
    connected = [hub.connect() for _ in range(30)]
    seen = {}
    for number, connection in enumerate(connected):
        method = "follow_process_output" if number % 2 else "watch_processes"
        hub.start(["sleep", f"{1000 + number}"], name=f"p{number}")
        seen[f"p{number}"] = connection.call(method, processes=[f"p{number}"], working_directory=str(hub.project))
    watcher = watch(hub, after=begin, types=["started"])
    watcher.until(lambda: len(watcher.events) == len(seen))
    assert [event["name"] for event in watcher.events if event["sequence"] > seen[event["name"]]["sequence"]] == []


def test_numbers_grow_over_the_death_of_the_daemon(hub: Hub, restarted: Callable[[], Hub]) -> None:
    watcher = watch(hub)
    hub.ready(program("sleeper"), name="p")
    last = watcher.until_event("started")["sequence"]
    for _ in range(2):
        restarted()
        watcher = watch(hub, after=last)
        hub.call("signal_process", "p", signal="KILL")
        event = watcher.until_event("failed")
        assert life(watcher) == [("p", "failed", event["run"])], "what runs was started only once"
        assert (event["signal"], event["sequence"] > last) == ("SIGKILL", True)
        hub.call("restart_process", "p")
        last = watcher.until_event("restarted")["sequence"]


def test_an_end_without_a_daemon_is_told_with_its_time(hub: Hub) -> None:
    hub.start(["sh", "-c", "read go; exit 5"], name="p")
    watcher = watch(hub)
    last = watcher.reply["sequence"]
    pid = hub.status("p")["pid"]
    folder = hub.status("p")["log_directory"]
    hub.forget_connections()
    hub.daemon.kill()
    Path(folder, "stdin").write_bytes(b"\n")
    eventually(lambda: Path(folder, "ended").exists(), what="the keeper has seen the end")
    ended = os.stat(os.path.join(folder, "ended")).st_mtime
    hub.daemon.start()
    event = watch(hub, after=last).until_event("failed")
    assert (event["pid"], event["exit_code"]) == (pid, 5)
    status = hub.status("p")
    assert event["time"] == status["ended_at"]
    assert abs(_seconds(event["time"]) - ended) < 2


def _seconds(time: str) -> float:
    return dt.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


def test_the_first_output_is_told_to_who_watches_for_it(hub: Hub) -> None:
    watcher = watch(hub, types=["output_seen", "started", "exited"])
    hub.start(["sh", "-c", "read a; echo 1; read b; echo 2; read c"], name="p")
    watcher.until_event("started")
    hub.call("send_process_input", "p", input="")
    watcher.until_event("output_seen")
    for _ in range(2):
        hub.call("send_process_input", "p", input="")
    watcher.until_event("exited")
    assert watcher.kinds == ["started", "output_seen", "exited"]


def test_a_torn_line_in_the_file_is_ignored(own: Hub) -> None:
    own.finish(["true"], name="p")
    own.connection.call("shutdown_daemon")
    wait_gone(own.daemon.pid)
    own.forget_connections()
    path = Path(own.daemon.home.events)
    lines = path.read_text("utf-8").splitlines()
    path.write_text("rubbish\n" + "\n".join(lines) + '\n{"sequence":99', "utf-8")
    own.daemon.start()
    watcher = watch(own, after=0)
    own.finish(["true"], name="p")
    watcher.until(lambda: watcher.kinds.count("exited") == 2)
    assert [event["sequence"] for event in watcher.events] == [1, 2, 3, 4]
    assert [json.loads(line)["sequence"] for line in path.read_text("utf-8").splitlines()] == [1, 2, 3, 4]


def test_a_watcher_that_never_reads_misses_nothing(hub: Hub) -> None:
    watcher = watch(hub)
    for _ in range(10):
        hub.finish(["true"], name="p")
    watcher.until(lambda: len(watcher.events) == 20)
    assert watcher.kinds == ["started", "exited"] * 10
