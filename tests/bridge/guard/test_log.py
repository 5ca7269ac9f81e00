"""The bridge's log: lines that can be read by a program, bounded, and quiet about what is nobody's business."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest

from persistproc_mcp import log


def lines(path: Path) -> list[str]:
    return [line.split(" ", 1)[1] for line in path.read_text("utf-8").splitlines()]


def test_lines(tmp_path: Path) -> None:
    with log.log_to(str(tmp_path / "log")):
        log.info("request", method="GET", path="/a b", status=200)
        log.warning("odd", text='a "quoted"\nline\x1b[31m')
    assert lines(tmp_path / "log") == [
        'info request method=GET path="/a b" status=200',
        'warning odd text="a \\"quoted\\"\\nline\\u001b[31m"',
    ]


def test_of_libraries_the_place_alone(tmp_path: Path) -> None:
    with log.log_to(str(tmp_path / "log")):
        logging.getLogger("mcp.server").warning("cannot validate %s", "secret")
        logging.getLogger("mcp.server").info("not even that")
        try:
            raise ValueError("secret")
        except ValueError as error:
            log.exception("defect", error)
            logging.getLogger("other").exception("secret")
    found = lines(tmp_path / "log")
    assert len(found) == 3
    assert found[0].startswith("warning library name=mcp.server at=test_log.py:")
    assert found[1].startswith("error defect error=ValueError at=")
    assert "secret" not in "".join(found)


def test_bounded(tmp_path: Path) -> None:
    with log.log_to(str(tmp_path / "log")):
        for number in range(300):
            log.info("request", number=number, filler="x" * 10_000)
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) <= 1024 * 1024


def test_warnings_alone_reach_the_terminal(tmp_path: Path) -> None:
    terminal = io.StringIO()
    with log.log_to(str(tmp_path / "log"), warnings_to=terminal):
        log.info("request")
        log.warning("connection_refused", uid=1000)
        logging.getLogger("mcp.server").warning("what a library has to say")
    assert terminal.getvalue().endswith("warning connection_refused uid=1000\n")
    assert terminal.getvalue().count("\n") == 1


def test_a_full_disk_loses_lines_alone() -> None:
    with log.log_to("/dev/full"):
        log.info("request")


def test_one_thing_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    seldom = log.Seldom(seconds=1000)
    for _ in range(3):
        seldom.warning("refused", uid=1)
    seldom.warning("refused", uid=2)
    assert len(caplog.records) == 2
    now_and_then = log.Seldom(seconds=0)
    now_and_then.warning("refused", uid=1)
    now_and_then.warning("refused", uid=1)
    assert len(caplog.records) == 4


def test_many_different_things_are_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    seldom = log.Seldom(seconds=1000)
    for number in range(1000):
        seldom.warning("refused", uid=number)
    assert len(seldom._told) <= 101
