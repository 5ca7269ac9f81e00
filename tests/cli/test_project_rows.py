"""Which processes a project's progress is about, and how far each is; without a daemon."""

from __future__ import annotations

from typing import Any, cast

import pytest

from persistproc_cli.project.chosen import chosen
from persistproc_cli.project.in_order import InOrder
from persistproc_cli.project.live import LiveView
from persistproc_cli.project.plain import PlainView
from persistproc_cli.project.rows import Rows, begun_row, seconds_words
from persistproc_core.errors import StartFailed
from persistproc_core.protocol import Event, ProcessResult, ProjectProcess, ProjectReply, RestartReply

SHOP = "/home/ana/shop"


def info(state: str = "running", **more: object) -> dict[str, object]:
    return {"pid": 7, "url": None, "ready": None, "ready_seconds": None, "ready_by": None, "state": state, **more}


def process(name: str, *needs: str, **more: object) -> ProjectProcess:
    facts = {"name": name, "needs": dict.fromkeys(needs, "ready"), "tags": [], "optional": False, "process": None}
    return cast("ProjectProcess", {**facts, "action": "start", **more})


def project(*processes: ProjectProcess) -> ProjectReply:
    return cast("ProjectReply", {"processes": list(processes), "project_directory": SHOP})


def event(name: str, kind: str, **more: object) -> Event:
    return cast("Event", {"name": name, "project_directory": SHOP, "type": kind, "pid": 7, **more})


def result(name: str, outcome: str, **more: object) -> ProcessResult:
    return cast("ProcessResult", {"name": name, "outcome": outcome, "ready": None, "reason": None, **more})


PROJECT = project(
    process("db", tags=["back"]),
    process("api", "db", tags=["back", "web"]),
    process("web", "api"),
    process("mail", optional=True),
    process("debug", optional=True, process=info()),
    process("gone", optional=True, process=info("stopped")),
)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("", "db api web debug"),
        ("db", "db"),
        ("web", "db api web"),
        ("back", "db api"),
        ("mail db", "db mail"),
        ("gone", "gone"),
    ],
)
def test_what_up_is_about(words: str, names: str) -> None:
    assert [each["name"] for each in chosen(PROJECT, words.split())] == names.split()


def rows_of(*processes: ProjectProcess) -> Rows:
    return Rows([begun_row(each) for each in processes], SHOP)


def waiting(rows: Rows) -> dict[str, dict[str, str]]:
    return {row.name: rows.missing(row) for row in rows if rows.missing(row)}


def test_who_waits_for_whom() -> None:
    needs = {"db": "started", "migrate": "completed"}
    rows = rows_of(process("db"), process("migrate", "db"), process("api", needs=needs), process("web", "api", "else"))

    def after(*events: Event) -> dict[str, list[str]]:
        for each in events:
            rows.take(each)
        return {name: list(missing) for name, missing in waiting(rows).items()}

    assert after() == {"migrate": ["db"], "api": ["db", "migrate"], "web": ["api"]}
    assert after(event("db", "started")) == {"migrate": ["db"], "api": ["migrate"], "web": ["api"]}
    assert after(event("db", "ready", ready_seconds=0.5)) == {"api": ["migrate"], "web": ["api"]}
    assert after(event("migrate", "started"), event("migrate", "exited")) == {"web": ["api"]}
    # A process of that name in another project, and one that does not take part.
    assert after({**event("api", "ready"), "project_directory": "/else"}, event("x", "ready")) == {"web": ["api"]}
    assert after(event("api", "started"), event("api", "failed")) == {"web": ["api"]}
    assert after(event("api", "restarted"), event("api", "ready")) == {}


@pytest.mark.parametrize(
    ("runs", "waits"),
    [
        (info(ready=True), False),
        (info(), False),
        (info(ready=False), True),
        (info("exited"), False),
    ],
)
def test_what_runs_already(runs: dict[str, object], waits: bool) -> None:
    rows = rows_of(process("db", action="none", process=runs), process("web", "db"))

    assert bool(waiting(rows)) == waits


READY = info(url="http://localhost:3000", ready_seconds=1.24, ready_by="listens on port 3000")


def told(capsys: pytest.CaptureFixture[str], events: list[Event], results: list[ProcessResult]) -> str:
    rows = rows_of(process("db"), process("web", "db"))
    with PlainView(rows) as view:
        view.tell(events)
        view.settle(results)
    return capsys.readouterr().out


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    results = [
        result("db", "started", ready=True, process=READY),
        result("web", "restarted", reason="why", process=info()),
    ]
    events = [event("db", "started"), event("db", "ready", ready_seconds=1.24, ready_by="listens on port 3000")]

    late = told(capsys, [], results)
    assert late.splitlines() == [
        "web waits for db",
        "db started (pid 7)",
        "db ready in 1.2 s: listens on port 3000",
        "db is at http://localhost:3000",
        "web restarted (pid 7): why",
    ]
    # The same when the events have come in time.
    assert told(capsys, events, results) == late


def test_the_lines_that_are_left_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    rows = rows_of(process("db"), process("web", "db"), process("mail"))
    with LiveView(rows) as view:
        started = result("db", "started", ready=True, process=READY)
        restarted = result("web", "restarted", ready=True, reason="tty: yes (was no)", process=READY)
        view.settle([started, restarted, result("mail", "started", process=info())])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[-3].endswith("ready in 1.2 s: listens on port 3000")
    assert lines[-2].endswith("ready in 1.2 s: listens on port 3000 (restarted: tty: yes (was no))")
    assert lines[-1] in (f"{mark}  mail  started, not known to be ready" for mark in "·."), "nothing turns any more"


def test_names_of_others_are_made_safe(capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in told(capsys, [], [result("\x1b[2J", "started", process=info())])


def test_what_only_lived_long_enough_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """It has taken five seconds, and nothing of it can be seen."""
    up = "up: has lived for 5 s; nothing tells whether it is ready"
    with PlainView(Rows([begun_row(process("mail"))], SHOP)) as plain:
        plain.settle([result("mail", "started", reason=up, process=info())])
    assert capsys.readouterr().out.splitlines() == ["mail started (pid 7)", f"mail {up}"]
    with LiveView(Rows([begun_row(process("mail"))], SHOP)) as live:
        live.settle([result("mail", "started", reason=up, process=info())])
    assert capsys.readouterr().out.rstrip().endswith(f"mail  {up}")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.04 s"), (0.996, "1.0 s"), (1.26, "1.3 s"), (9.96, "10 s"), (75.2, "75 s")]
)
def test_seconds(seconds: float, words: str) -> None:
    assert seconds_words(seconds) == words


def restarted(outcome: str | None) -> RestartReply:
    return cast("RestartReply", {"readiness": None if outcome is None else {"outcome": outcome}})


def test_restarts_come_in_the_order_of_needs() -> None:
    done: list[tuple[str, bool]] = []

    def restart(name: str, *, wait: bool) -> RestartReply:
        done.append((name, wait))
        return restarted("ready" if wait else None)

    needs = {"web": ["api"], "api": ["db", "stopped"], "db": []}
    ordered = InOrder(["web", "other", "api", "db"], needs, restart)
    for name in ordered.names:
        ordered(name)

    assert done == [("db", True), ("api", True), ("web", False), ("other", False)]


def test_what_has_completed_stands_for_what_it_needs() -> None:
    needs = {"web": ["migrate"], "migrate": ["schema", "migrate"], "schema": ["db"], "db": []}
    ordered = InOrder(["web", "db"], needs, lambda _name, *, wait: restarted("timed_out" if wait else None))
    assert list(ordered.names) == ["db", "web"]
    ordered("db")
    with pytest.raises(StartFailed, match="db, which it needs"):
        ordered("web")


@pytest.mark.parametrize("how", ["timed_out", StartFailed("no")])
def test_what_needs_one_that_does_not_come_back_is_left_alone(how: Any) -> None:
    done: list[str] = []

    def restart(name: str, *, wait: bool) -> RestartReply:
        done.append(name)
        if isinstance(how, str):
            return restarted(how)
        raise how

    ordered = InOrder(["db", "api", "web"], {"api": ["db"], "web": ["api"]}, restart)
    for name in ordered.names:
        try:
            ordered(name)
        except StartFailed as error:
            said = error.message

    assert done == ["db"]
    assert said == "web was not restarted: api, which it needs, is not ready"


@pytest.mark.parametrize(
    ("action", "line"), [("restart", "web restarted (pid 7): why"), ("none", "web restarted (pid 7)")]
)
def test_a_restart_is_told_as_one(action: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = rows_of(process("web", action=action, changes=["why"], process=info()))
    with PlainView(rows) as view:
        view.tell([event("web", kind) for kind in ("stopping", "stopped", "started")])

    assert capsys.readouterr().out == f"{line}\n"
