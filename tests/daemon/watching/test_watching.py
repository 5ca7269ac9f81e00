"""Processes that are restarted, or sent a signal, when a file changes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.kit import eventually
from tests.kit.programs import program

SLEEPER = program("sleeper")


@pytest.fixture
def source(project: Path) -> Path:
    """A file in a git work tree that ignores dist."""
    (project / ".git").mkdir()
    (project / ".gitignore").write_text("dist/\n*.log\n", "utf-8")
    (project / "src").mkdir()
    path = project / "src" / "app.py"
    path.write_text("1", "utf-8")
    return path


def await_run(hub: Hub, name: str, run: int) -> dict[str, Any]:
    """The process, once it has that run."""
    eventually(lambda: hub.status(name)["run"] == run, within=10, what=f"{name} has run {run}")
    return hub.status(name)


def save(path: Path, text: str = "2") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_a_change_restarts_it_and_the_reason_names_the_file(hub: Hub, source: Path) -> None:
    started = hub.ready(SLEEPER, name="web", watch=["src/**/*.py", "!src/gen/"])
    assert started["watch"] == ["src/**/*.py", "!src/gen/"]
    with hub.connect() as connection:
        connection.call("watch_processes", working_directory=str(source.parent), types=["restarted"])
        save(source)
        event = connection.read()["params"]["event"]
    assert (event["run"], event["by"]["name"], event["reason"]) == (
        2,
        "persistproc",
        "restarted by persistproc: src/app.py changed",
    )
    info = hub.status("web")
    assert info["start_reason"] == "src/app.py changed"
    assert [run["state"] for run in info["history"]] == ["running", "stopped"]
    # A folder that comes with all its files, and many at once: one restart each.
    save(source.parent / "new" / "deep" / "a.py")
    assert await_run(hub, "web", 3)["start_reason"] == "src/new/deep/a.py changed"
    # All before the daemon looks: a pause of a tenth of a second between two of them would make it two restarts.
    os.kill(hub.daemon.pid, signal.SIGSTOP)
    try:
        for number in range(20):
            save(source.parent / f"b{number}.py")
    finally:
        os.kill(hub.daemon.pid, signal.SIGCONT)
    assert await_run(hub, "web", 4)["start_reason"].endswith("and 19 more files changed")
    source.unlink()
    assert await_run(hub, "web", 5)["start_reason"] == "src/app.py changed"


def test_what_does_not_count(hub: Hub, project: Path, source: Path) -> None:
    hub.ready(SLEEPER, name="web", watch=["**/*.py", "!src/gen/"])
    for path in ("src/gen/a.py", "dist/a.py", ".git/a.py", "a.txt", "src/__pycache__/a.py", "node_modules/x/a.py"):
        save(project / path)
    save(project / "last.py")
    assert await_run(hub, "web", 2)["start_reason"] == "last.py changed"
    # Named outright it counts, whatever git says.
    hub.ready(program("sleeper", "built"), name="built", watch=["dist/*.py"])
    save(project / "dist" / "a.py")
    assert await_run(hub, "built", 2)["start_reason"] == "dist/a.py changed"


def test_a_signal_instead(hub: Hub, source: Path) -> None:
    hub.ready(program("tell_signals"), name="web", watch=["src/"], watch_signal="hup")
    save(source)
    assert hub.await_line("web", "SIGHUP") == "SIGHUP"
    info = hub.status("web")
    assert (info["run"], info["reason"]) == (1, "SIGHUP sent: src/app.py changed")


def test_one_that_has_crashed_comes_back_with_the_next_change_and_one_that_was_stopped_does_not(
    hub: Hub, project: Path, source: Path
) -> None:
    hub.finish(["sh", "-c", "exit 3"], name="crashed", watch=["src/*.py"])
    hub.ready(SLEEPER, name="stopped", watch=["src/*.py"])
    hub.stop("stopped")
    hub.finish(["sh", "-c", "exit 0"], name="left", watch=["src/*.py"])
    hub.stop("left")
    save(source)
    eventually(lambda: hub.status("crashed")["run"] == 2, what="crashed is started again")
    assert hub.status("crashed")["start_reason"] == "src/app.py changed"
    # Both would have been restarted by the same change: they share the watch of one folder.
    assert [hub.status(name)["run"] for name in ("stopped", "left")] == [1, 1]
    # Who starts it again has it watched again.
    hub.call("restart_process", "stopped")
    save(source)
    await_run(hub, "stopped", 3)


def test_one_that_writes_what_it_watches_is_left_alone_in_the_end(hub: Hub, source: Path) -> None:
    script = 'echo ready; sleep 0.1; echo "$$" > src/app.py; exec sleep 1000'
    hub.start(["sh", "-c", script], name="web", watch=["src/"])
    eventually(lambda: "no longer watched" in (hub.status("web")["reason"] or ""), within=20)
    info = hub.status("web")
    assert (info["run"], info["state"]) == (5, "running")
    assert "src/app.py changed many times in a row in the same moment after the start" in info["reason"]
    assert "!src/app.py" in info["reason"]
    # What it writes now changes nothing, until somebody restarts it.
    save(source)
    assert hub.call("restart_process", "web")["run"] == 6
    eventually(lambda: "no longer watched" in (hub.status("web")["reason"] or ""), within=20)
    assert hub.status("web")["run"] == 10


def test_one_that_writes_it_because_of_the_signal_is_left_alone_too(hub: Hub, source: Path) -> None:
    script = "trap 'echo hup; echo $$ > src/app.py' HUP; echo ready; while :; do sleep 0.02; done"
    hub.ready(["sh", "-c", script], name="web", watch=["src/"], watch_signal="HUP")
    save(source)
    eventually(lambda: "no longer watched" in (hub.status("web")["reason"] or ""), within=20)
    info = hub.status("web")
    assert (info["run"], info["state"], "after the signal" in info["reason"]) == (1, "running", True)
    hub.stop("web", force=True)


def test_a_folder_that_a_pattern_names_may_be_a_link(hub: Hub, project: Path, source: Path) -> None:
    (project / "lib").symlink_to("src")
    hub.ready(SLEEPER, name="web", watch=["*.html", "lib/*.py"])
    save(source)
    assert await_run(hub, "web", 2)["start_reason"] == "lib/app.py changed"


def test_it_goes_on_with_the_next_daemon(hub: Hub, source: Path, restarted: Callable[[], Hub]) -> None:
    hub.ready(SLEEPER, name="web", watch=["src/*.py"])
    hub.finish(["sh", "-c", "exit 3"], name="crashed", watch=["src/*.py"])
    restarted()
    hub.await_state("web", "running")

    def restarted_by_a_change(name: str) -> bool:
        save(source)  # nobody is told from when on the new daemon watches
        return bool(hub.status(name)["run"] > 1)

    for name in ("web", "crashed"):
        eventually(lambda name=name: restarted_by_a_change(name), what=f"{name} is restarted")  # type: ignore[misc]


def test_a_restart_that_fails_leaves_what_runs(hub: Hub, project: Path, source: Path) -> None:
    tool = project / "tool"
    tool.write_text("#!/bin/sh\necho ready\nexec sleep 1000\n", "utf-8")
    tool.chmod(0o755)
    hub.ready([str(tool)], name="web", watch=["src/*.py"])
    tool.rename(project / "away")
    save(source)
    eventually(lambda: "not restarted" in (hub.status("web")["reason"] or ""))
    info = hub.status("web")
    assert (info["run"], info["state"]) == (1, "running")
    (project / "away").rename(tool)
    save(source)
    await_run(hub, "web", 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"watch": ["!src/"]}, "take files out"),
        ({"watch": ["!"]}, "matches nothing"),
        ({"watch": ["src", "~/lib/*.py"]}, "'~/lib/*.py' is not filled in"),
        ({"watch": ["src"], "watch_signal": "SIGNONE"}, "no signal SIGNONE"),
        ({"stop_signal": "99"}, "no signal 99"),
    ],
    ids=["out", "nothing", "home", "watch-signal", "stop-signal"],
)
def test_wrong_wishes_are_refused(hub: Hub, given: dict[str, Any], message: str) -> None:
    error = hub.error("start_process", command=SLEEPER, **given)
    assert error.code == "invalid_params"
    assert message in error.error["message"]
    assert hub.list() == {}


def test_who_joins_is_told_what_is_otherwise(hub: Hub) -> None:
    hub.ready(SLEEPER, name="web", watch=["src/"], stop_signal="INT")
    assert hub.start(SLEEPER, name="web")["differences"] == []
    joined = hub.start(SLEEPER, name="web", watch=["lib/"], stop_grace_seconds=90, tags=["a"], tty=True)
    told = {each["what"]: (each["asked"], each["running"]) for each in joined["differences"]}
    assert told == {
        "watch": ("lib/", "src/"),
        "stop": ("SIGTERM, 1m30s", "SIGINT, 10s"),
        "tags": ("a", ""),
        "tty": ("a terminal", "none"),
    }


def test_a_name_that_is_no_text(hub: Hub, project: Path, source: Path) -> None:
    hub.ready(SLEEPER, name="web", watch=["src/"])
    with open(os.fsencode(project) + b"/src/\xff\n", "wb") as file:
        file.write(b"x")
    assert await_run(hub, "web", 2)["start_reason"] == r"src/\udcff\n changed"
