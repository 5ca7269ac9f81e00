"""Searching what a process printed, and what a run printed that the one before did not."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.kit import WireError


def shown(reply: dict[str, Any]) -> list[str]:
    """The lines; those of the context begin with a dash."""
    return ["- " * line.get("context", False) + line["text"] for line in reply["lines"]]


def test_the_newest_lines_that_match(hub: Hub) -> None:
    hub.finish(["seq", "1000"], name="p")

    reply = hub.call("get_process_output", "p", grep="7$", lines=3)

    assert shown(reply) == ["977", "987", "997"]
    assert reply["omitted_lines"] == 97
    earlier = hub.call("get_process_output", "p", grep="7$", lines=3, before=reply["start"])
    assert shown(earlier) == ["947", "957", "967"]
    assert hub.lines("p", grep="7$", head=2) == ["7", "17"]
    assert hub.lines("p", grep="[0-9]", invert=True) == []


def test_paging_forward_gives_every_line_that_matches_once(hub: Hub) -> None:
    hub.finish(["seq", "1000"], name="p")
    found, cursor, more = [], "start", True
    while more:
        reply = hub.call("get_process_output", "p", grep="3", cursor=cursor, head=17)
        found += shown(reply)
        cursor, more = reply["cursor"], reply["more"]

    assert found == [str(number) for number in range(1001) if "3" in str(number)]


def test_context(hub: Hub) -> None:
    hub.finish(["seq", "100"], name="p")

    assert shown(hub.call("get_process_output", "p", grep="^5[02]$", context=1)) == ["- 49", "50", "- 51", "52", "- 53"]
    assert shown(hub.call("get_process_output", "p", grep="^9$", context_after=2)) == ["9", "- 10", "- 11"]


def test_colours_are_not_in_the_way(hub: Hub) -> None:
    hub.finish(["printf", r"\033[1mREADY\033[0m in \033[32m12\033[0m ms\r\n"], name="p")

    assert hub.lines("p", grep="^ready in 12 ms$", ignore_case=True) == ["READY in 12 ms"]


def test_a_prompt_is_found(hub: Hub) -> None:
    hub.start(["sh", "-c", "printf 'one\\nuse 3001? (y/N) '; exec sleep 60"], name="p")
    hub.await_line("p", "y/N")

    assert hub.lines("p", grep=r"y/N") == ["use 3001? (y/N) "]


def test_what_is_no_pattern_is_refused(hub: Hub) -> None:
    hub.finish(["true"], name="p")

    assert "grep" in str(hub.error("get_process_output", "p", grep="("))
    many = hub.error("get_process_output", "p", grep="((a{1000}){1000}){1000}")
    assert "grep repeats too much of it" in str(many), "the memory would be full of it"


def test_a_pattern_that_takes_for_ever_holds_nobody_up(hub: Hub) -> None:
    hub.finish([sys.executable, "-c", "print('a' * 60 + 'b')"], name="p")
    search = hub.aside("get_process_output", "p", grep="^(a|aa)+$")
    lists = 0
    while not search.done():
        hub.call("list_processes")
        lists += 1

    with pytest.raises(WireError, match="takes too long"):
        search.result()
    # Not how long the longest took: that may be the machine.
    assert lists > 10, "a list had to wait for a search"


def test_what_is_new_in_a_run(hub: Hub) -> None:
    script = "echo ready in $0 ms; echo GET /a; test $0 = 350 || { echo TypeError: x >&2; printf 'retry? '; }"
    hub.finish(["sh", "-c", script, "350"], name="p")
    assert sorted(hub.lines("p", new_in_run=True)) == ["GET /a", "ready in 350 ms"]

    hub.finish(["sh", "-c", script, "12"], name="p")

    assert hub.lines("p", new_in_run=True) == ["TypeError: x", "retry? "]
    assert hub.lines("p", new_in_run=True, grep="Error") == ["TypeError: x"]
