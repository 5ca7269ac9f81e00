"""What get_process_output selects: by time, by mark, over runs, from either end; and the account of the rest."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.kit import eventually, program


def read(hub: Hub, **params: Any) -> dict[str, Any]:
    reply: dict[str, Any] = hub.call("get_process_output", "p", **params)
    return reply


def texts(reply: dict[str, Any]) -> list[str]:
    return [line["text"] for line in reply["lines"]]


def say(hub: Hub, text: str) -> None:
    """Let the process print a line, and wait until it is there."""
    hub.call("send_process_input", "p", input=text)
    hub.await_line("p", f"got: {text}$")


def utc_now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pause(seconds: float) -> None:
    """Let the clock go on: marks tell times to 50 ms."""
    until = time.monotonic() + seconds
    eventually(lambda: time.monotonic() > until)


# --- from either end ----------------------------------------------------------------------------------------------


def test_the_first_lines(hub: Hub) -> None:
    hub.finish(["seq", "1000"], name="p")

    reply = read(hub, head=3)

    assert texts(reply) == ["1", "2", "3"]
    assert (reply["more"], reply["ended"]) == (True, False)
    assert (reply["omitted_lines"], reply["omitted_bytes"]) == (997, 3893 - 6)
    assert texts(read(hub, cursor=reply["cursor"], head=2)) == ["4", "5"]
    assert texts(read(hub, head=0)) == []


def test_the_account_of_what_came_before(hub: Hub) -> None:
    hub.finish(["seq", "1000"], name="p")

    reply = read(hub, lines=10)

    assert (reply["omitted_lines"], reply["omitted_bytes"]) == (990, 3893 - 41)
    assert (reply["more"], reply["ended"]) == (False, True)
    before = read(hub, lines=2, before=reply["start"])
    assert texts(before) == ["989", "990"]
    assert before["omitted_lines"] == 988
    everything = read(hub, lines=10_000)
    assert (everything["omitted_lines"], everything["omitted_bytes"], len(everything["lines"])) == (0, 0, 1000)


def test_a_small_answer_says_what_it_leaves_out(hub: Hub) -> None:
    hub.finish(["seq", "1000"], name="p")

    got: list[str] = []
    reply = read(hub, lines=10_000, max_bytes=500)
    while True:
        got = texts(reply) + got
        assert sum(len(text) + 1 for text in texts(reply)) <= 500
        assert reply["omitted_lines"] == 1000 - len(got)
        if not reply["omitted_lines"]:
            break
        reply = read(hub, lines=10_000, max_bytes=500, before=reply["start"], run="current")
    assert got == [str(number) for number in range(1, 1001)]


def test_too_much_to_count_is_not_counted(hub: Hub) -> None:
    hub.finish(["sh", "-c", "yes | head -c 9000000"], name="p")

    reply = read(hub, lines=1)

    assert (reply["omitted_lines"], reply["omitted_bytes"]) == (None, 9_000_000 - 2)


def test_lines_without_end_are_cut_in_the_middle(hub: Hub) -> None:
    hub.finish(["sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x; echo; echo last"], name="p")

    reply = read(hub)

    assert texts(reply)[1] == "last"
    cut = reply["lines"][0]["cut_bytes"]
    note = f"…[{cut:,} bytes cut]…"
    assert len(texts(reply)[0]) == 100_000 - cut + len(note) <= 4096
    assert note in texts(reply)[0]
    assert len(read(hub, format="raw", max_bytes=262_144)["lines"][0]["text"]) == 100_006


def test_identical_lines_are_folded_unless_each_tells_its_time(hub: Hub) -> None:
    hub.finish(["sh", "-c", "for i in 1 2 3 4; do echo again; done; echo last"], name="p")

    assert [(line["text"], line.get("repeated")) for line in read(hub)["lines"]] == [("again", 4), ("last", None)]
    assert len(read(hub, timestamps=True)["lines"]) == 5
    assert len(read(hub, format="ansi")["lines"]) == 5


def test_colours_are_kept_on_demand(hub: Hub) -> None:
    hub.finish(["printf", r"\033]0;title\007\033[31mred\033[0m\033[2K\n"], name="p")

    assert texts(read(hub)) == ["red"]
    assert texts(read(hub, format="ansi")) == ["\x1b[31mred\x1b[0m"]


# --- by time ------------------------------------------------------------------------------------------------------


def test_since_and_before_a_time(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    say(hub, "one")
    pause(0.12)
    between = utc_now()
    pause(0.12)
    say(hub, "two")

    assert texts(read(hub, since=between)) == ["got: two"]
    assert texts(read(hub, before=between)) == ["ready", "got: one"]
    assert texts(read(hub, since="1h")) == ["ready", "got: one", "got: two"]
    assert texts(read(hub, before="1h")) == []
    assert read(hub, since=between, timestamps=True)["lines"][0]["time"] > between
    assert (reply := read(hub, since=between))["omitted_bytes"] == 0
    assert texts(read(hub, cursor=reply["cursor"])) == []


def test_an_age_counts_from_the_call(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    say(hub, "one")
    pause(0.3)

    assert texts(read(hub, since="0.2s")) == []


@pytest.mark.parametrize("text", ["yesterday", "5", "-1h", "mark:nothing", "2026-02-30T00:00:00Z"])
@pytest.mark.parametrize("parameter", ["since", "before"])
def test_what_is_no_time_is_an_error_and_never_all_lines(hub: Hub, parameter: str, text: str) -> None:
    hub.finish(["true"], name="p")

    error = hub.error("get_process_output", "p", **{parameter: text})

    assert error.code == "invalid_params"


# --- by mark ------------------------------------------------------------------------------------------------------


def test_since_a_mark(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    say(hub, "one")
    hub.call("set_mark", name="edit")
    say(hub, "two")

    assert texts(read(hub, since="mark:edit")) == ["got: two"]
    assert texts(read(hub, before="mark:edit")) == ["ready", "got: one"]


def test_a_read_sets_a_mark_at_its_end(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    for text in ("one", "two", "three"):
        say(hub, text)

    assert texts(read(hub, head=2, mark="seen")) == ["ready", "got: one"]
    assert texts(read(hub, since="mark:seen")) == ["got: two", "got: three"]
    assert hub.error("get_process_output", "p", mark="no / name").code == "invalid_params"


# --- over runs ----------------------------------------------------------------------------------------------------


def three_runs(hub: Hub) -> None:
    for number in (1, 2, 3):
        hub.finish(["sh", "-c", f"echo begin {number}; echo end {number}"], name="p")


def test_all_runs(hub: Hub) -> None:
    three_runs(hub)

    reply = read(hub, run="all")

    assert [(line["run"], line["text"]) for line in reply["lines"]] == [
        (number, f"{what} {number}") for number in (1, 2, 3) for what in ("begin", "end")
    ]
    assert (reply["run"], reply["omitted_lines"], reply["ended"]) == (3, 0, True)
    assert texts(read(hub)) == ["begin 3", "end 3"]
    last = read(hub, run="all", lines=3)
    assert (texts(last), last["omitted_lines"]) == (["end 2", "begin 3", "end 3"], 3)
    assert texts(read(hub, run="all", before=last["start"], lines=2)) == ["end 1", "begin 2"]


def test_a_time_without_a_run_is_about_all_runs(hub: Hub) -> None:
    three_runs(hub)

    assert len(texts(read(hub, since="1h"))) == 6
    assert texts(read(hub, since="1h", run=2)) == ["begin 2", "end 2"]


def test_a_cursor_goes_on_into_the_next_runs_when_all_are_asked_for(hub: Hub) -> None:
    three_runs(hub)

    reply = read(hub, run="all", head=1)
    got = texts(reply)
    while reply["more"]:
        reply = read(hub, run="all", head=2, cursor=reply["cursor"])
        got += texts(reply)

    assert got == [f"{what} {number}" for number in (1, 2, 3) for what in ("begin", "end")]
    assert (reply["run"], reply["ended"]) == (3, True)
    assert texts(read(hub, run="all", cursor="start", max_bytes=20)) == ["begin 1", "end 1"]


def test_a_cursor_stays_in_its_run(hub: Hub) -> None:
    three_runs(hub)
    cursor = read(hub, run=1, head=1)["cursor"]

    reply = read(hub, cursor=cursor)

    assert (texts(reply), reply["run"], reply["ended"], reply["more"]) == (["end 1"], 1, True, False)
    assert texts(read(hub, cursor=cursor, run=1)) == ["end 1"]
    assert hub.error("get_process_output", "p", cursor=cursor, run=2).code == "invalid_params"


# --- contradictions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"head": 1, "lines": 1},
        {"lines": 1, "cursor": "start"},
        {"since": "5m", "cursor": "start"},
        {"ignore_case": True},
        {"invert": True},
        {"context": 1},
        {"context_before": 1},
        {"context_after": 1},
        {"wait_seconds": 1},
        {"idle_seconds": 5, "wait_seconds": 1},
        {"since": "5m", "before": "10m"},
        {"run": "newest"},
        {"grep": "("},
    ],
    ids=lambda params: "-".join(params),
)
def test_what_contradicts_itself_is_refused(hub: Hub, params: dict[str, Any]) -> None:
    hub.finish(["true"], name="p")

    assert hub.error("get_process_output", "p", **params).code == "invalid_params"


# --- searching ----------------------------------------------------------------------------------------------------


def test_a_search_from_both_ends_and_on_pages(hub: Hub) -> None:
    hub.finish(["seq", "1000"], name="p")

    assert texts(read(hub, grep="^5.$", lines=2)) == ["58", "59"]
    assert texts(read(hub, grep="^5.$", head=2)) == ["50", "51"]
    reply = read(hub, grep="9", lines=100)
    assert (len(reply["lines"]), reply["omitted_lines"]) == (100, 171)
    got = []
    reply = read(hub, grep="9", head=50)
    while True:
        got += texts(reply)
        if not reply["more"]:
            break
        reply = read(hub, grep="9", head=50, cursor=reply["cursor"])
    assert got == [str(number) for number in range(1, 1001) if "9" in str(number)]


def test_a_search_waits_for_a_line_that_matches(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    cursor = read(hub)["cursor"]
    waiting = hub.aside("get_process_output", "p", cursor=cursor, grep="two", wait_seconds=20)
    say(hub, "one")
    say(hub, "two")

    assert [line["text"] for line in waiting.result(5)["lines"]] == ["got: two"]


def test_lines_that_the_run_before_did_not_print(hub: Hub) -> None:
    for text in ("port 3000\nready in 12 ms\n", "port 3001\nERROR: no such table\nready in 15 ms\n"):
        hub.finish(["printf", "%s", text], name="p")

    assert texts(read(hub, new_in_run=True)) == ["ERROR: no such table"]


# --- idle ---------------------------------------------------------------------------------------------------------


def test_what_happened_since_my_edit_in_one_call(hub: Hub) -> None:
    hub.start(["sh", "-c", "echo ready; read line; echo building; sleep 0.2; echo built; sleep 1000"], name="p")
    hub.await_line("p", "ready")
    hub.call("set_mark", name="edit")
    waiting = hub.aside("get_process_output", "p", since="mark:edit", idle_seconds=2, wait_seconds=20)
    hub.call("send_process_input", "p", input="")

    reply = waiting.result(20)

    assert ([line["text"] for line in reply["lines"]], reply["idle"]) == (["building", "built"], True)


def test_one_that_never_is_quiet(hub: Hub) -> None:
    hub.start(["sh", "-c", "while :; do echo tick; sleep 0.02; done"], name="p")

    # So long that who prints, or the keeper, is not held for it on a busy machine: that would be silence.
    reply = read(hub, idle_seconds=2, wait_seconds=2.1, lines=1)

    assert (reply["idle"], texts(reply)) == (False, ["tick"])


def test_one_that_has_ended_is_quiet_at_once(hub: Hub) -> None:
    hub.finish(["true"], name="p")
    before = time.monotonic()

    assert read(hub, idle_seconds=20)["idle"] is True
    assert time.monotonic() - before < 15
