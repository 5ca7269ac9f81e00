"""What is new in a run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from persistproc_core.daemon.logs import Offsets, RunLog
from persistproc_core.daemon.logs.normal import NewLines, normal_form
from persistproc_core.daemon.logs.search import make_source
from persistproc_core.daemon.logs.selection import Span
from tests.daemon.unit.logfolder import LogFolder


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 5 ms", "took 1.25 s"),
        ("took 1m 30s", "took 45s"),
        ("sent 812 B", "sent 3.4 MiB"),
        ("12:01:02 [vite] page reload", "9:41:33 [vite] page reload"),
        ("8:05:01 PM [vite] hmr", "11:12:13 AM [vite] hmr"),
        ("2026-11-22T20:12:13.123Z INFO up", "2026-11-23T01:02:03Z INFO up"),
        ("2026-11-22 20:12:13,123 up", "2026-12-01 00:00:01,001 up"),
        ("[Sun Nov  2 10:12:13 2026] up", "[Mon Dec 12 22:12:13 2026] up"),
        ("Nov  2 10:12:13 host app[123]: up", "Dec 22 10:12:13 host app[45678]: up"),
        ("22/Nov/2026:20:12:13 +0100 up", "01/Dec/2026:00:12:13 +0000 up"),
        ("user 550e8400-e29b-41d4-a716-446655440000", "user aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
        ("commit 3f2b9c1 pushed", "commit 0123abc pushed"),
        ("at 0x7ffd3a10", "at 0x1"),
        ("trace 4bf92f3577b34da6a3ce929d0e0e4736 done", "trace 00f067aa0ba902b7aa0ba902b7fedcba done"),
        ("assets/index-BdH3kYz9.js", "assets/index-Xq1mn20k.js"),
        ("listening on 127.0.0.1:5173", "listening on 10.0.12.7:80"),
        ("listening on [::1]:80", "listening on [fe80::1:2]:8080"),
        ("TypeError at /home/u/web/src/x.js:12:5", "TypeError at /home/u/web-2/src/x.js:140:11"),
        ("wrote /tmp/tmpab_xyz/out.txt", "wrote /tmp/pytest-of-u/out.txt"),
        ("wrote ~/web/src/x.js", "wrote /home/u/web/src/x.js"),
    ],
)
def test_the_same_but_for_numbers_times_addresses_and_paths(one: str, other: str) -> None:
    assert normal_form(one.encode()) == normal_form(other.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("TypeError at /web/src/x.js:12:5", "TypeError at /web/src/y.js:12:5"),
        ("GET /api/users 200", "GET /api/orders 200"),
        ("TypeError: x is null", "TypeError: y is null"),
        ("took 5 ms", "took 5 mugs"),
        ("defaced", "effaced"),
        ("std::fs failed", "std::io failed"),
        ("Mon is closed", "Tue is closed"),
    ],
)
def test_different_for_a_reader(one: str, other: str) -> None:
    assert normal_form(one.encode()) != normal_form(other.encode())


def run(path: Path, text: bytes) -> LogFolder:
    folder = LogFolder(path, segment_bytes=4096)
    folder.write("stdout", text)
    return folder


def new_lines(folder: LogFolder, former: LogFolder | None, **params: str) -> bytes:
    previous = RunLog(str(former.path)) if former else None
    deadline = time.monotonic() + 60
    source = make_source({"process": "web", **params}, NewLines(previous, deadline), deadline)  # type: ignore[typeddict-item]
    with RunLog(str(folder.path)).look() as log:
        lines = list(source.forward(log, Span(Offsets(0, 0), log.end)))
        assert list(source.backward(log, Span(Offsets(0, 0), log.end))) == lines[::-1]
        return b"".join(log.streams[line.stream].read(line.begin, line.end) for line in lines)


def test_only_what_the_run_before_did_not_print_is_new(tmp_path: Path) -> None:
    before = run(tmp_path / "1", b"VITE ready in 350 ms\n\x1b[32mGET\x1b[0m /a 200\nGET /b 200\r\n")
    now = run(
        tmp_path / "2", b"VITE ready in 1.2 s\nGET /a 404\nGET /a failed\n\x1b[1mGET\x1b[0m /b 200\nGET /a failed\nnew>"
    )

    assert new_lines(now, before) == b"GET /a failed\nGET /a failed\nnew>"
    assert new_lines(now, before, grep="GET") == b"GET /a failed\nGET /a failed\n"
    assert new_lines(now, before, grep="ready") == b""


def test_without_a_run_before_everything_is_new(tmp_path: Path) -> None:
    assert new_lines(run(tmp_path / "1", b"a\nb\n"), None) == b"a\nb\n"


def test_it_is_told_when_not_all_of_the_run_before_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run(tmp_path / "1", b"".join(b"%c\n" % letter for letter in range(65, 91)) * 5000)
    all_of_it, some_of_it = NewLines(RunLog(str(before.path))), NewLines(RunLog(str(before.path)))
    assert not all_of_it.accepts(b"A\n")
    assert all_of_it.complete

    monkeypatch.setattr("persistproc_core.daemon.logs.normal._MOST_FORMS", 10)

    assert not some_of_it.accepts(b"Z\n"), "the newest lines are read first"
    assert not some_of_it.complete
