"""Reading: the last lines, what is new after a cursor, and the bytes as they were written."""

from __future__ import annotations

import base64
import re
import unicodedata
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.kit import numbered, program


def read(hub: Hub, process: str = "p", **params: Any) -> dict[str, Any]:
    reply: dict[str, Any] = hub.call("get_process_output", process, **params)
    return reply


def raw_bytes(reply: dict[str, Any], stream: str | None = None) -> bytes:
    """The bytes of a raw reply."""
    pieces = [line for line in reply["lines"] if stream in (None, line["stream"])]
    return b"".join(
        base64.b64decode(piece["base64"]) if "base64" in piece else piece["text"].encode() for piece in pieces
    )


def read_all(hub: Hub, **params: Any) -> bytes:
    """Everything, from the first byte, by cursors."""
    data, cursor = b"", "start"
    while True:
        reply = read(hub, cursor=cursor, format="raw", **params)
        data += raw_bytes(reply)
        cursor = reply["cursor"]
        if not reply["more"]:
            return data


def test_the_last_lines(hub: Hub) -> None:
    hub.finish(["seq", "1000"], name="p")
    assert hub.lines("p") == [str(number) for number in range(901, 1001)]
    assert hub.lines("p", lines=3) == ["998", "999", "1000"]
    assert hub.lines("p", lines=0) == []
    reply = read(hub, lines=3)
    assert (reply["ended"], reply["state"], reply["exit_code"], reply["run"]) == (True, "exited", 0, 1)


def test_each_line_tells_its_stream_in_order(hub: Hub) -> None:
    # Each is in the log before the next one is written: what the keeper reads at once from both has no order.
    hub.start(["sh", "-c", "echo 1; read a; echo 2 >&2; read a; echo 3"], name="p")
    for line in ("1", "2"):
        hub.await_line("p", line)
        hub.call("send_process_input", "p", input="")
    hub.await_line("p", "3")
    lines = read(hub)["lines"]
    assert [(line["stream"], line["text"]) for line in lines] == [("stdout", "1"), ("stderr", "2"), ("stdout", "3")]
    assert hub.lines("p", stream="stderr") == ["2"]
    assert hub.lines("p", stream="stdout") == ["1", "3"]


def test_a_cursor_gives_exactly_what_is_new(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    cursor = read(hub)["cursor"]
    for number in range(20):
        hub.call("send_process_input", "p", input=str(number))
        hub.await_line("p", f"got: {number}$")
        reply = read(hub, cursor=cursor)
        assert [line["text"] for line in reply["lines"]] == [f"got: {number}"]
        cursor = reply["cursor"]
    assert read(hub, cursor=cursor)["lines"] == []


@pytest.mark.parametrize("most", [1000, 4096, 262144])
def test_cursors_from_the_start_lose_and_repeat_nothing(hub: Hub, most: int) -> None:
    hub.finish(program("write_bytes", 60_000), name="p")
    assert read_all(hub, max_bytes=most) == numbered(60_000)


def test_cursors_while_it_is_written(hub: Hub) -> None:
    hub.start(program("steady_writer", 0.2), name="p")
    data: dict[str, bytes] = {"stdout": b"", "stderr": b""}
    cursor, asked = "start", False
    while True:
        reply = read(hub, cursor=cursor, format="raw", wait_seconds=5)
        for stream in data:
            data[stream] += raw_bytes(reply, stream)
        cursor = reply["cursor"]
        if not asked and len(data["stdout"]) > 20_000:
            asked = True
            hub.call("signal_process", "p", signal="TERM")
        if reply["ended"]:
            break
    for name, text in ((b"out", data["stdout"]), (b"err", data["stderr"])):
        lines = text.splitlines()
        count = len(lines) - 1
        assert lines == [b"%s %d" % (name, n) for n in range(count)] + [b"%s end %d" % (name, count)]


def test_plain_is_text_and_raw_is_bytes(hub: Hub) -> None:
    text = "\x1b[31mred\x1b[0m ö\r\n"
    hub.finish(["printf", "%s", text], name="p")
    assert hub.lines("p") == ["red ö"]
    reply = read(hub, cursor="start", format="raw")
    assert raw_bytes(reply) == text.encode()


def test_bytes_that_are_no_text(hub: Hub) -> None:
    hub.finish(["printf", r"a\377b\n"], name="p")
    reply = read(hub)
    assert reply["lossy"] is True
    assert [line["text"] for line in reply["lines"]] == ["a�b"]
    assert raw_bytes(read(hub, cursor="start", format="raw")) == b"a\xffb\n"


def test_whatever_bytes_come_they_are_kept_and_the_text_is_safe(hub: Hub) -> None:
    smile = "😀".encode()
    cuts = [smile[begin:end] for begin in range(4) for end in range(begin + 1, 5)]
    pairs = [bytes([first, second]) for first in range(256) for second in (0, 10, 27, 155, 255)]
    sequences = [b"\x1b]52;c;eA==\x07", b"\x1b]0;t\x1b\\", b"\x9b2J", b"\xc0\x8a", b"\r\r\n", b"\x1bPq"]
    corpus = b"".join([*pairs, *cuts, *sequences, "\u202e\u2066".encode()])
    text = "".join(f"\\{byte:03o}" for byte in corpus)
    hub.finish(["/usr/bin/env", "printf", text], name="p")

    assert read_all(hub) == corpus
    for form in ("plain", "ansi"):
        reply = read(hub, cursor="start", format=form)
        assert reply["lossy"] is True
        for line in reply["lines"]:
            shown = re.sub("\x1b\\[[0-9;:]*m", "", line["text"]) if form == "ansi" else line["text"]
            assert not [char for char in shown if unicodedata.category(char) == "Cc" and char != "\t"]
            assert not set(shown) & set("\u202e\u2066")


def test_a_partial_line_is_shown_and_marked(hub: Hub) -> None:
    hub.start(program("prompt"), name="p")
    hub.await_line("p", "name")
    (line,) = read(hub)["lines"]
    assert (line["text"], line["partial"]) == ("name? ", True)


def test_waiting_answers_at_once_when_output_comes(hub: Hub) -> None:
    hub.ready(program("echo_stdin"), name="p")
    cursor = read(hub)["cursor"]
    waiting = hub.aside("get_process_output", "p", cursor=cursor, wait_seconds=20)
    hub.call("send_process_input", "p", input="now")
    assert [line["text"] for line in waiting.result(10)["lines"]] == ["got: now"]


def test_waiting_answers_at_once_when_the_run_ends(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    cursor = read(hub)["cursor"]
    waiting = hub.aside("get_process_output", "p", cursor=cursor, wait_seconds=20)
    hub.call("signal_process", "p", signal="KILL")
    reply = waiting.result(5)
    assert (reply["lines"], reply["ended"], reply["signal"]) == ([], True, "SIGKILL")


def test_waiting_has_an_end(hub: Hub) -> None:
    hub.ready(program("sleeper"), name="p")
    reply = read(hub, cursor=read(hub)["cursor"], wait_seconds=0.2)
    assert (reply["lines"], reply["ended"], reply["more"]) == ([], False, False)


def test_waiting_for_one_stream_is_not_woken_for_good_by_the_other(hub: Hub) -> None:
    hub.start(["sh", "-c", "echo ready; read line; echo out; sleep 0.2; echo err >&2; sleep 1000"], name="p")
    hub.await_line("p", "ready")
    cursor = read(hub, stream="stderr", cursor="start")["cursor"]
    waiting = hub.aside("get_process_output", "p", cursor=cursor, stream="stderr", wait_seconds=10)
    hub.call("send_process_input", "p", input="")
    assert [line["text"] for line in waiting.result(5)["lines"]] == ["err"]


def test_a_cursor_of_an_old_run_reads_the_old_run(hub: Hub) -> None:
    hub.finish(["sh", "-c", "echo $PERSISTPROC_RUN"], name="p")
    first = hub.status("p")["run_id"]
    hub.finish(["sh", "-c", "echo $PERSISTPROC_RUN"], name="p")
    second = hub.status("p")["run_id"]
    assert hub.lines("p") == [second]
    assert hub.lines("p", run="previous") == hub.lines("p", run=1) == hub.lines("p", run="1") == [first]
    old = read(hub, run=1)["cursor"]
    assert read(hub, cursor=old)["run"] == 1
    assert hub.lines("p", cursor="start", run="previous") == [first]


@pytest.mark.parametrize("params", [{"cursor": "nonsense"}, {"cursor": "9.9.9"}, {"run": "first"}, {"run": "-1"}])
def test_no_such_cursor_or_run(hub: Hub, params: dict[str, Any]) -> None:
    hub.finish(["true"], name="p")
    assert hub.error("get_process_output", "p", **params).code in ("invalid_params", "process_not_found")
    assert hub.error("get_process_output", "p", run=2).code == "process_not_found"
    assert hub.error("get_process_output", "p", run="previous").code == "process_not_found"


def test_the_log_paths_are_readable_with_cat(hub: Hub) -> None:
    hub.finish(program("write_bytes", 5_000_000), name="p")
    reply = hub.call("get_process_log_paths", "p")
    streams = {each["stream"]: each for each in reply["streams"]}
    assert streams["stdout"]["bytes"] == 5_000_000
    assert streams["stderr"]["bytes"] == 0
    data = b""
    for path in streams["stdout"]["paths"]:
        with open(path, "rb") as file:
            data += file.read()
    assert data == numbered(5_000_000)
    assert len(streams["stdout"]["paths"]) == 2


def test_what_retention_deleted_is_told(hub: Hub) -> None:
    hub.finish(["sh", "-c", "head -c 80000000 /dev/zero | tr '\\0' '\\n'"], name="p")
    reply = read(hub, cursor="start", max_bytes=100, format="raw")
    assert reply["missed_bytes"] % (4 << 20) == 0
    assert 64 << 20 <= 80_000_000 - reply["missed_bytes"] <= 72 << 20
    assert reply["more"] is True
