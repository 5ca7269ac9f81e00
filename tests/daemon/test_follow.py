"""Following output: history and then what comes, over all runs, nothing missed and nothing doubled."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.hub import Hub, at_once
from tests.daemon.subscriber import Subscriber
from tests.kit import WireError, numbered, program


def on_disk(hub: Hub, process: str, run: int, stream: str = "stdout") -> bytes:
    """All bytes of a stream of a kept run."""
    (folder,) = Path(hub.daemon.home.runs).glob(f"{process}.{run}.*")
    return b"".join(path.read_bytes() for path in sorted(folder.glob(f"{stream}-*.log")))


def wake_ups(pid: int) -> int:
    """How often the threads of a process have gone to sleep so far (proc(5))."""
    texts = [path.read_text("utf-8") for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return sum(int(text.partition("\nvoluntary_ctxt_switches:")[2].split()[0]) for text in texts)


def test_history_and_then_what_comes(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    hub.call("send_process_input", "p", input="1")
    hub.await_line("p", "got: 1")
    follower = Subscriber(hub, processes=["p"], lines=1)
    follower.until(lambda: follower.lines == ["got: 1"])
    for number in range(2, 20):
        hub.call("send_process_input", "p", input=str(number))
        follower.until(lambda number=number: follower.lines[-1] == f"got: {number}")  # type: ignore[misc]
    assert follower.lines == [f"got: {number}" for number in range(1, 20)]
    (followed,) = follower.reply["processes"]
    assert (followed["name"], followed["run"], followed["project_directory"]) == ("p", 1, str(hub.project))


def test_without_lines_only_what_comes(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    follower = Subscriber(hub, processes=["p"])
    hub.call("send_process_input", "p", input="x")
    follower.until(lambda: follower.lines == ["got: x"])


def test_each_of_the_last_lines_comes_once(hub: Hub) -> None:
    hub.finish(["seq", "3000"], name="p")
    follower = Subscriber(hub, processes=["p"], lines=2000)
    follower.until_event("exited")
    assert follower.lines == [str(number) for number in range(1001, 3001)]


def test_a_restart_is_followed_through_with_the_events_between(hub: Hub) -> None:
    hub.start(program("steady_writer", 1), name="p")
    follower = Subscriber(hub, processes=["p"], cursors={"p": "start"}, format="raw")
    follower.until(lambda: len(follower.outputs) > 3)
    hub.call("restart_process", "p")
    follower.until_event("restarted")
    follower.until(lambda: follower.outputs[-1]["run"] == 2)
    hub.stop("p")
    follower.until_event("stopped")
    assert follower.kinds == ["stopping", "stopped", "started", "restarted", "stopping", "stopped"]
    for run in (1, 2):
        for stream in ("stdout", "stderr"):
            assert follower.data(run, stream) == on_disk(hub, "p", run, stream)
    order = [
        message["params"]["event"]["type"] if "event" in message["params"] else message["params"]["run"]
        for message in follower.seen
    ]
    ended = order.index("stopped")
    assert 2 not in order[: ended + 2]
    assert 1 not in order[ended:]
    assert order[ended : ended + 3] == ["stopped", "started", "restarted"]
    previous = next(event for event in follower.events if event["type"] == "restarted")["previous_run"]
    assert previous == 1


def test_the_end_comes_after_all_output(hub: Hub) -> None:
    hub.start(program("write_bytes", 3_000_000), name="p")
    follower = Subscriber(hub, processes=["p"], cursors={"p": "start"}, format="raw")
    event = follower.until_event("exited")
    assert follower.data() == numbered(3_000_000)
    assert (event["exit_code"], event["reason"]) == (0, "exited with code 0")


def test_the_end_of_a_run_that_had_ended_before(hub: Hub) -> None:
    hub.finish(["sh", "-c", "echo over; exit 3"], name="p")
    follower = Subscriber(hub, processes=["p"], lines=10)
    event = follower.until_event("failed")
    assert (follower.lines, event["exit_code"]) == (["over"], 3)


def test_all_of_the_project_and_those_that_are_started_later(hub: Hub, tmp_path: Path) -> None:
    hub.ready(program("sleeper"), name="p")
    follower = Subscriber(hub, lines=10)
    (tmp_path / "other").mkdir()
    hub.finish(["echo", "elsewhere"], name="x", working_directory=str(tmp_path / "other"))
    hub.finish(["echo", "here"], name="q")
    follower.until_event("exited")
    assert [process["name"] for process in follower.reply["processes"]] == ["p"]
    own = [message["params"].get("event", message["params"]) for message in follower.seen]
    assert [(news["name"], news.get("type")) for news in own if news["name"] != "p"] == [
        ("q", "started"),
        ("q", None),
        ("q", "exited"),
    ]


def test_all_projects(hub: Hub, tmp_path: Path) -> None:
    follower = Subscriber(hub, all_projects=True)
    (tmp_path / "other").mkdir()
    hub.call("start_process", command=["echo", "there"], name="x", working_directory=str(tmp_path / "other"))
    follower.until_event("exited")
    assert follower.lines == ["there"]
    hub.call("remove_process", "x", working_directory=str(tmp_path / "other"))


def test_it_ends_when_all_that_it_names_are_removed(hub: Hub) -> None:
    for name in ("p", "q"):
        hub.finish(["echo", name], name=name)
    follower = Subscriber(hub, processes=["p", "q", "p"], lines=1)
    assert [process["name"] for process in follower.reply["processes"]] == ["p", "q"]
    follower.until(lambda: follower.kinds == ["exited", "exited"])
    hub.call("remove_process", "p")
    hub.call("remove_process", "q")
    follower.until(lambda: follower.seen and follower.seen[-1]["method"] == "subscription_ended")
    assert sorted(follower.lines) == ["p", "q"]
    assert sorted(follower.kinds) == ["exited", "exited", "removed", "removed"]
    hub.finish(["echo", "again"], name="p")
    assert follower.connection.call("list_processes")["processes"], "the connection is there still"


def test_a_cursor_goes_on_over_runs(hub: Hub) -> None:
    for _ in range(3):
        hub.finish(program("write_bytes", 100), name="p")
    (two,) = Subscriber(hub, processes=["p"], cursors={"p": "2:16:0"}).reply["processes"]
    assert (two["run"], two["cursor"]) == (2, "2:16:0")
    follower = Subscriber(hub, processes=["p"], cursors={"p": "2:16:0"}, format="raw")
    follower.until(lambda: follower.kinds.count("exited") == 2)
    assert follower.data(2) == numbered(100)[16:]
    assert follower.data(3) == numbered(100)
    assert follower.kinds == ["exited", "started", "exited"]


def test_going_on_where_another_subscription_was(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    first = Subscriber(hub, lines=1)
    first.until(lambda: first.outputs)
    first.connection.close()
    hub.call("restart_process", "p")
    hub.finish(["echo", "new"], name="q")
    second = Subscriber(hub, cursors={"p": first.outputs[-1]["cursor"]}, after=first.reply["sequence"])
    second.until(lambda: len(second.events) >= 6 and len(second.lines) >= 2)
    by_name = {name: [event["type"] for event in second.events if event["name"] == name] for name in ("p", "q")}
    assert by_name == {"p": ["stopping", "stopped", "started", "restarted"], "q": ["started", "exited"]}
    assert sorted(second.lines) == ["new", "ready"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"processes": ["nobody"]}, "process_not_found"),
        ({"processes": ["p"], "cursors": {"p": "7:0:0"}}, "invalid_params"),
        ({"processes": ["p"], "cursors": {"p": "nonsense"}}, "invalid_params"),
        ({"processes": ["p"], "cursors": {"q": "start"}}, "invalid_params"),
        ({"processes": []}, "invalid_params"),
        ({"processes": ["p"], "format": "html"}, "invalid_params"),
    ],
    ids=["unknown", "later-run", "no-cursor", "other-process", "none", "format"],
)
def test_bad_input(hub: Hub, params: dict[str, Any], code: str) -> None:
    hub.finish(["true"], name="p")
    hub.finish(["true"], name="q")
    assert hub.error("follow_process_output", **params).code == code


def test_cancelling_ends_it_and_leaves_the_others(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    first = Subscriber(hub, processes=["p"])
    connection = first.connection
    second = connection.call("follow_process_output", processes=["p"], working_directory=str(hub.project))
    assert connection.call("cancel_subscription", subscription=second["subscription"]) == {
        "subscription": second["subscription"]
    }
    hub.call("send_process_input", "p", input="x")
    first.until(lambda: first.lines == ["got: x"])
    with pytest.raises(WireError, match="no subscription"):
        connection.call("cancel_subscription", subscription=second["subscription"])


def test_there_is_a_most_number_of_subscriptions(hub: Hub) -> None:
    connection = hub.connect()
    names = [connection.call("watch_processes")["subscription"] for _ in range(16)]
    assert connection.error("watch_processes", {})["data"]["error"] == "too_many_subscriptions"
    connection.call("cancel_subscription", subscription=names[3])
    assert connection.call("watch_processes")["subscription"] not in names


def test_a_reader_that_never_reads_costs_nothing_and_slows_nobody(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="quick")
    stuck = [Subscriber(hub, all_projects=True, cursors={}, format="raw") for _ in range(3)]
    other = Subscriber(hub, processes=["quick"])
    hub.finish(program("write_bytes", 8_000_000), name="flood")
    status = hub.connection.call("get_daemon_status")
    hub.finish(program("write_bytes", 12_000_000), name="flood")
    assert hub.connection.call("get_daemon_status")["memory_bytes"] - status["memory_bytes"] < 8_000_000
    hub.call("send_process_input", "quick", input="x")
    other.until(lambda: other.lines == ["got: x"])
    # It finds all of it in the file, when at last it reads.
    stuck[0].until(lambda: stuck[0].kinds.count("exited") == 2)
    late = [news for news in stuck[0].outputs if news["name"] == "flood"]
    assert sum(len(line["text"]) for news in late for line in news["lines"]) == 20_000_000


def test_a_stuck_reader_is_told_what_was_deleted(hub: Hub) -> None:
    stuck = Subscriber(hub, format="raw")
    hub.finish(program("write_bytes", 3_000_000), name="p", keep_bytes=100_000)
    hub.finish(program("write_bytes", 1000), name="p", keep_runs=1)
    stuck.until(lambda: stuck.kinds.count("exited") == 2)
    assert len(stuck.data(1)) + sum(news["missed_bytes"] for news in stuck.outputs if news["run"] == 1) == 3_000_000
    assert stuck.data(2) == numbered(1000)


def test_twenty_followers_lose_nothing(hub: Hub) -> None:
    hub.ready(["sh", "-c", f"echo ready; read go; exec {' '.join(program('write_bytes', 2_000_000, 'stdout', 16384))}"])
    (name,) = hub.list()
    followers = [Subscriber(hub, processes=[name], format="raw") for _ in range(20)]

    def follow(follower: Subscriber) -> Callable[[], bytes]:
        def work() -> bytes:
            follower.until_event("exited")
            return follower.data()

        return work

    hub.call("send_process_input", name, input="go")
    assert set(at_once(*map(follow, followers))) == {numbered(2_000_000)}


def test_what_is_printed_without_a_newline_comes_at_once(hub: Hub) -> None:
    follower = Subscriber(hub)
    hub.start(program("prompt"), name="p")
    follower.until(lambda: follower.outputs)
    (line,) = follower.outputs[-1]["lines"]
    assert (line["text"], line["partial"]) == ("name? ", True)


def test_one_stream(hub: Hub) -> None:
    hub.start(program("alternate", 400, 0.2), name="p")
    follower = Subscriber(hub, processes=["p"], stream="stderr", cursors={"p": "start"})
    follower.until_event("exited")
    assert follower.lines == [str(number) for number in range(1, 400, 2)]


def test_the_end_of_the_daemon_ends_it_after_the_last_events(own: Hub) -> None:
    own.ready(program("sleeper"), name="p")
    follower = Subscriber(own, processes=["p"], lines=5)
    own.daemon.shut_down()
    with pytest.raises(EOFError):
        follower.until(lambda: False)
    assert follower.kinds == ["stopping", "stopped"]


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_the_follower_has_what_is_in_the_files(hub: Hub, seed: int) -> None:
    chance = random.Random(seed)
    hub.start(program("steady_writer", 0.3), name="p")
    follower = Subscriber(hub, processes=["p"], cursors={"p": "start"}, format="raw")
    for _ in range(6):
        pieces = len(follower.outputs) + chance.randint(0, 12)
        follower.until(lambda pieces=pieces: len(follower.outputs) >= pieces)  # type: ignore[misc]
        if chance.random() < 0.5:
            hub.call("restart_process", "p", force=chance.random() < 0.5)
        else:
            hub.call("signal_process", "p", signal=chance.choice(["TERM", "KILL"]))
            hub.call("wait_for_process", "p", exit=True)
            hub.start(program("steady_writer", 0.3), name="p")
    hub.stop("p")
    last = hub.status("p")["run"]
    follower.until(lambda: [event["run"] for event in follower.events if event["type"] == "stopped"][-1:] == [last])
    for run in range(1, last + 1):
        for stream in ("stdout", "stderr"):
            assert follower.data(run, stream) == on_disk(hub, "p", run, stream), (run, stream)


def test_one_that_is_removed_is_told_to_its_end_before_the_next_of_its_name(hub: Hub) -> None:
    hub.finish(program("write_bytes", 3_000_000), name="p")
    follower = Subscriber(hub, all_projects=True, cursors={f"{hub.project}/p": "start"}, format="raw")
    follower.next()
    hub.call("remove_process", "p")
    hub.finish(["echo", "new"], name="p")
    follower.until(lambda: len(follower.kinds) == 4)
    assert follower.kinds == ["exited", "removed", "started", "exited"]
    assert follower.lines[-1] == "new\n"


@pytest.mark.skipif(sys.platform != "linux", reason="wake-ups are counted in /proc")
def test_the_stream_that_is_not_followed_costs_little(own: Hub) -> None:
    end = "import os, time; end = time.monotonic() + 1"
    writes = f"{end}\nwhile time.monotonic() < end: os.write(2, b'x'); time.sleep(0.0005)"
    own.start([sys.executable, "-c", writes], name="p")
    follower = Subscriber(own, processes=["p"], stream="stdout")
    began, before = time.monotonic(), wake_ups(own.daemon.pid)
    follower.until_event("exited")
    # Each write to the other stream woke the follower, for nothing.
    assert wake_ups(own.daemon.pid) - before < 650 * (time.monotonic() - began)
