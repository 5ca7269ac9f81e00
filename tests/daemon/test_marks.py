"""Marks that people set: where all logs of a project ended at that moment, kept over the daemon's death."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import pytest

from persistproc_core.daemon.answers import bookmark_file
from persistproc_core.daemon.answers.bookmarks import check_mark_name
from persistproc_core.errors import InvalidParams
from tests.daemon.hub import Hub
from tests.kit import program

PRINT = "import sys; sys.stdout.write('x' * {}); sys.stderr.write('y' * {})"


def kept(hub: Hub) -> dict[str, Any]:
    """What the file says of the project."""
    projects = json.loads(Path(hub.daemon.home.marks).read_text("ascii"))["projects"]
    result: dict[str, Any] = projects[str(hub.project)]
    return result


def places(hub: Hub) -> dict[str, list[int]]:
    """Where the newest mark stands, by run id. (A run that has just ended may count as live for some ms.)"""
    ended = {run_id: place[:2] for run_id, place in kept(hub)["ended"].items()}
    return {**ended, **kept(hub)["marks"][-1][3]}


def names(hub: Hub) -> list[str]:
    return [mark["name"] for mark in hub.call("list_marks")["marks"]]


def test_a_mark_is_where_every_run_is_now(hub: Hub) -> None:
    ended = hub.finish([sys.executable, "-c", PRINT.format(7, 3)], name="ended")
    live = hub.ready(program("echo_stdin"), name="live")
    reply = hub.call("set_mark", name="before")
    assert (reply["name"], reply["project"]) == ("before", "shop")
    hub.call("send_process_input", "live", input="more")
    hub.await_line("live", "got: more")
    later = hub.finish(["true"], name="later")
    assert places(hub) == {live["run_id"]: [len("ready\n"), 0], ended["run_id"]: [7, 3]}
    assert later["run_id"] not in str(kept(hub))
    assert hub.call("list_marks")["marks"] == [reply]


def test_what_was_printed_before_the_call_is_before_the_mark(hub: Hub) -> None:
    """The child has written before it opens the FIFO; whether the keeper has read it is another matter."""
    os.mkfifo(hub.project / "there")
    script = "import os, time; input(); os.write(1, b'z' * 1000); os.open('there', os.O_WRONLY); time.sleep(60)"
    info = hub.start([sys.executable, "-c", script], name="p")
    keeper = hub.keeper_pid()
    os.kill(keeper, signal.SIGSTOP)
    try:
        hub.call("send_process_input", "p", input="")
        with open(hub.project / "there", "rb"):
            setting = hub.aside("set_mark", name="m")
            assert wait([setting], 0.3).not_done  # until the keeper has read
    finally:
        os.kill(keeper, signal.SIGCONT)
    setting.result(10)
    assert places(hub) == {info["run_id"]: [1000, 0]}


def test_what_came_since_a_mark(hub: Hub, restarted: Callable[[], Hub]) -> None:
    hub.finish([sys.executable, "-c", "print('old')"], name="p")
    hub.ready(program("echo_stdin"), name="live")
    hub.call("set_mark", name="m")
    hub.call("send_process_input", "live", input="new")
    hub.await_line("live", "got: new")
    assert hub.lines("live", since="mark:m") == ["got: new"]
    assert hub.lines("p", since="mark:m") == []
    hub.finish([sys.executable, "-c", "print('next run')"], name="p")
    hub.finish([sys.executable, "-c", "print('first run')"], name="q")
    hub.call("set_mark", name="later")
    restarted()
    assert hub.lines("p", since="mark:later") == []
    assert hub.lines("p", since="mark:m") == ["next run"]
    assert hub.lines("q", since="mark:m") == ["first run"]
    assert hub.lines("live", since="mark:m") == ["got: new"]
    error = hub.error("get_process_output", "p", since="mark:x")
    assert (error.code, error.error["data"]["hint"]) == ("invalid_params", "there are later, m")


def test_a_mark_of_the_same_name_is_replaced(hub: Hub) -> None:
    hub.finish(["true"], name="p")
    for name in ("a", "b", "a"):
        hub.call("set_mark", name=name)
    assert names(hub) == ["b", "a"]


def test_marks_outlive_the_daemon(hub: Hub, restarted: Callable[[], Hub]) -> None:
    hub.finish(["true"], name="p")
    before = [hub.call("set_mark", name=name) for name in ("one", "two")]
    assert restarted().call("list_marks")["marks"] == before


def test_marks_belong_to_a_project(hub: Hub, tmp_path: Path) -> None:
    hub.finish(["true"], name="p")
    hub.call("set_mark", name="mine")
    assert hub.call("list_marks", working_directory=str(tmp_path))["marks"] == []
    assert "working_directory" in hub.connection.error("set_mark", {"name": "x"})["message"]


def test_the_oldest_mark_goes_when_there_are_too_many(hub: Hub) -> None:
    hub.finish(["true"], name="p")
    for number in range(102):
        hub.call("set_mark", name=f"m{number}")
    assert names(hub) == [f"m{number}" for number in range(2, 102)]


def test_what_is_gone_is_not_remembered(hub: Hub) -> None:
    """A run that was removed, and a project that has nothing any more."""
    p = hub.finish(["true"], name="p")
    q = hub.ready(program("sleeper"), name="q")
    hub.call("set_mark", name="a")
    assert places(hub).keys() == {p["run_id"], q["run_id"]}
    hub.call("remove_process", "p")
    hub.stop("q")
    hub.call("remove_process", "q")
    r = hub.finish(["true"], name="r")
    hub.call("set_mark", name="b")
    assert places(hub).keys() == {r["run_id"]}
    assert p["run_id"] not in str(kept(hub))
    assert q["run_id"] not in str(kept(hub))
    hub.call("remove_process", "r")
    hub.finish(["true"], name="s", working_directory=str(hub.project.parent))
    hub.call("set_mark", name="c", working_directory=str(hub.project.parent))
    assert names(hub) == []
    hub.call("remove_process", "s", working_directory=str(hub.project.parent))


def test_an_unreadable_file_is_set_aside(own: Hub) -> None:
    own.daemon.kill()
    own.forget_connections()
    path = Path(own.daemon.home.marks)
    path.write_text('{"format": 1, "projects": {"/x": {"marks": [[1]]}}}', encoding="ascii")
    own.daemon.start()
    assert names(own) == []
    assert path.with_suffix(".json.unreadable").exists()
    assert "marks.unreadable" in own.daemon.log()
    own.call("set_mark", name="again")
    assert names(own) == ["again"]


def test_a_file_that_cannot_be_written(own: Hub) -> None:
    Path(own.daemon.home.marks + ".new").mkdir()
    assert own.error("set_mark", name="m").code == "storage_failed"
    assert names(own) == []


@pytest.mark.parametrize("name", ["a", "before-upgrade", "edit_7", "7", ".x", "größe", "क्या", "x" * 64])
def test_good_names(name: str) -> None:
    assert check_mark_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "a:b", "a\n", "a\x1b", "x" * 65], ids=ascii)
def test_bad_names(name: str) -> None:
    with pytest.raises(InvalidParams) as caught:
        check_mark_name(name)
    assert caught.value.hint


def test_a_composed_name_is_the_same(hub: Hub) -> None:
    hub.finish(["true"], name="p")
    assert hub.call("set_mark", name="gro\u0308\u00dfe")["name"] == "größe"
    hub.call("set_mark", name="größe")
    assert names(hub) == ["größe"]


SENSELESS = {
    "empty": "",
    "a list": "[]",
    "null": "null",
    "no UTF-8": "\xff",
    "another version": '{"format": 2, "projects": {}}',
    "half": '{"format": 1}',
    "deep": "[" * 100_000,
    "a negative place": '{"format": 1, "projects": {"/p": {"marks": [["n", 1, 1, {"r": [1, -1]}]], "ended": {}}}}',
    "a short place": '{"format": 1, "projects": {"/p": {"marks": [], "ended": {"r": [1, 2]}}}}',
}


@pytest.mark.parametrize("text", SENSELESS.values(), ids=SENSELESS.keys())
def test_a_file_that_makes_no_sense(tmp_path: Path, text: str) -> None:
    path = tmp_path / "marks.json"
    path.write_text(text, encoding="latin-1")
    projects, problem = bookmark_file.load(str(path))
    assert projects == {}
    assert problem
    assert not path.exists()
