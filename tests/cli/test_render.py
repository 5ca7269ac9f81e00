"""Tables, times and exit codes; without a daemon."""

from __future__ import annotations

import datetime as dt
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistproc_cli.oneline import short_directory
from persistproc_cli.render import memory, process_table, state_words, table
from persistproc_cli.times import duration, to_epoch
from persistproc_cli.words import difference_lines, ending, exit_code
from persistproc_core.protocol import ProcessInfo


def info(**changes: object) -> ProcessInfo:
    plain: dict[str, object] = {
        "name": "web",
        "project": "shop",
        "project_directory": "/p/shop",
        "state": "running",
        "pid": 41,
        "run": 1,
        "run_id": "web.1.00000000",
        "command": "npm run dev",
        "argv": ["npm", "run", "dev"],
        "shell": False,
        "working_directory": "/p/shop",
        "started_at": "2026-01-02T03:04:05.006Z",
        "ended_at": None,
        "exit_code": None,
        "signal": None,
        "reason": None,
        "ports": [],
        "started_by": {"name": "test"},
        "cpu_percent": 1.25,
        "memory_bytes": 47185920,
        "processes": 1,
        "survivors": [],
        "runs": 1,
    }
    return cast("ProcessInfo", {**plain, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "running"),
        ({"state": "stopping"}, "stopping"),
        ({"state": "stopped", "signal": "SIGTERM"}, "stopped"),
        ({"state": "exited", "exit_code": 0}, "exited 0"),
        ({"state": "failed", "exit_code": 3}, "failed 3"),
        ({"state": "failed", "signal": "SIGKILL"}, "killed SIGKILL"),
        ({"state": "lost"}, "lost"),
    ],
)
def test_states_are_told_apart(changes: dict[str, object], words: str) -> None:
    assert state_words(info(**changes)) == words


def test_survivors_are_told() -> None:
    shown = process_table([info(state="exited", exit_code=0, survivors=[7, 8])], all_projects=False)

    assert "exited 0, 2 left" in shown


def test_a_table_in_one_project() -> None:
    ports = [{"port": 3000, "address": "::", "pid": 1}, {"port": 3000, "address": "0.0.0.0", "pid": 1}]
    shown = process_table([info(ports=ports), info(name="a-longer-name", pid=None)], all_projects=False)
    first, second, third = shown.splitlines()

    assert first.split() == ["STATE", "NAME", "PID", "PORTS", "AGE", "CPU", "MEMORY", "COMMAND"]
    assert second.split()[:4] == ["running", "web", "41", ":3000"]
    assert second.endswith("npm run dev")
    assert second.index(":3000") == first.index("PORTS")
    assert third.index("npm") == first.index("COMMAND")
    assert "1.2%" in second
    assert "45M" in second


def test_projects_and_directories_are_shown_when_they_matter() -> None:
    assert "DIRECTORY" not in process_table([info()], all_projects=False)
    assert "./api" in process_table([info(working_directory="/p/shop/api")], all_projects=False)
    assert "shop" in process_table([info()], all_projects=True)


def test_names_cannot_act_on_the_terminal() -> None:
    shown = process_table([info(name="a\x1b[2Jb", command="x\ny", project="\u202ep")], all_projects=True)

    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "x\\ny" in shown
    assert len(shown.splitlines()) == 2


def test_wide_characters_keep_the_columns() -> None:
    lines = table(["A", "B"], [["漢字", "1"], ["abcd", "2"]]).splitlines()

    assert lines == ["A     B", "漢字  1", "abcd  2"]


@given(st.datetimes(min_value=dt.datetime(1970, 1, 1), max_value=dt.datetime(2199, 12, 31)))
def test_times_are_those_of_datetime(moment: dt.datetime) -> None:
    aware = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=dt.timezone.utc)
    stamp = aware.strftime("%Y-%m-%dT%H:%M:%S.") + f"{aware.microsecond // 1000:03d}Z"

    assert to_epoch(stamp) == pytest.approx(aware.timestamp())


def test_durations() -> None:
    assert [duration(n) for n in (0, 0.9, 59, 60, 7199, 86400 * 3)] == ["0s", "0s", "59s", "1m", "1h", "3d"]


def test_sizes() -> None:
    assert [memory(n) for n in (None, 0, 1023, 2048, 5 << 20, 3 << 29)] == ["-", "0B", "1023B", "2K", "5M", "1.5G"]


def test_home_is_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")

    assert [short_directory(path) for path in ("/home/me", "/home/me/x", "/home/mean")] == ["~", "~/x", "/home/mean"]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"state": "exited", "exit_code": 0}, 0, "ended with exit code 0"),
        ({"state": "failed", "exit_code": 3}, 3, "ended with exit code 3"),
        ({"state": "failed", "signal": "SIGSEGV"}, 139, "was killed by SIGSEGV"),
        ({"state": "stopped", "signal": "SIGTERM"}, 143, "was stopped (SIGTERM)"),
        ({"state": "stopped", "signal": "SIG41"}, 169, "was stopped (SIG41)"),
        ({"state": "lost"}, 1, "ended, and nobody knows how"),
    ],
)
def test_exit_codes(changes: dict[str, object], code: int, words: str) -> None:
    assert exit_code(info(**changes)) == code
    assert ending(info(**changes)) == words


def test_differences_name_variables() -> None:
    lines = difference_lines(
        [
            {"what": "command", "asked": "a", "running": "b"},
            {"what": "environment", "added": ["A"], "removed": [], "changed": [f"V{n}" for n in range(9)]},
        ]
    )

    assert lines[0] == "command: you asked for a, running is b"
    assert lines[1] == "environment: only yours: A; another value: V0, V1, V2, V3, V4, V5 and 3 more"
