"""Streams: server-sent events and WebSockets, resumed, slow, and ended."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from persistproc_mcp.api.place import Place
from tests.bridge.api.client import Api, EventStream, Sent
from tests.kit import eventually, program, wait_gone
from tests.kit.bridge import Bridge

WEB = "/api/processes/web"


def until(stream: EventStream, kind: str) -> list[Sent]:
    """What comes up to the first event of a type."""
    got: list[Sent] = []
    for sent in stream:
        got.append(sent)
        if sent.type == kind:
            return got
    raise AssertionError(f"no {kind} in {got}")


def outs(lines: list[str]) -> list[int]:
    return [int(line.split()[1]) for line in lines if line.startswith("out ") and "end" not in line]


def test_events_come_with_their_type_and_number(api: Api) -> None:
    with api.stream("/api/events") as stream:
        api.start(program("sleeper"), "web")
        api.post(f"{WEB}/stop", reason="enough")
        got = until(stream, "stopped")
    kinds = [sent.type for sent in got]
    assert kinds[0] == "started"
    assert kinds[-2:] == ["stopping", "stopped"]
    assert [int(sent.id) for sent in got] == [sent.json["sequence"] for sent in got]
    assert got[-1].json["by"]["name"] == "api-test"
    assert None not in got[-1].json.values()


@pytest.mark.parametrize("way", ["header", "query", "after"])
def test_events_go_on_after_the_last_one(api: Api, way: str) -> None:
    with api.stream("/api/events", types=["started", "stopped"]) as stream:
        api.start(program("sleeper"), "web")
        (first,) = until(stream, "started")
    api.post(f"{WEB}/stop")
    query = {"query": {"last_event_id": first.id}, "after": {"after": first.id}}.get(way, {})
    last = first.id if way == "header" else ""
    with api.stream("/api/events", last, types=["started", "stopped"], **query) as stream:
        assert [sent.type for sent in until(stream, "stopped")] == ["stopped"]


def test_events_are_lines_of_text_when_asked_for(api: Api) -> None:
    with api.stream("/api/events", text="true", types="exited") as stream:
        api.post("/api/processes", command=["true"], name="web")
        (sent,) = until(stream, "exited")
    assert " web exited (exit code 0)" in sent.data
    assert "{" not in sent.data


def test_output_is_followed_over_connections_without_loss_and_without_doubles(api: Api) -> None:
    api.start(program("steady_writer", 1), "web")
    got: list[str] = []
    last = ""
    for count in (20, 150, 40):
        with api.stream(f"{WEB}/output/stream", last, cursor="start", stream="stdout") as stream:
            before = len(got)
            for sent in stream:
                got += [line["text"] for line in sent.json["lines"]]
                if len(got) - before > count:
                    break
            last = stream.last_event_id
    api.post(f"{WEB}/stop")
    with api.stream(f"{WEB}/output/stream", last, stream="stdout") as stream:
        for sent in until(stream, "stopped")[:-1]:
            got += [line["text"] for line in sent.json.get("lines", [])]
    assert outs(got) == list(range(len(outs(got))))
    assert got[-1] == f"out end {len(outs(got))}"


def test_several_processes_in_one_stream(api: Api) -> None:
    for name in ("web", "api"):
        api.start([*program("echo_stdin"), name], name)
    with api.stream("/api/output/stream", process=["web", "api"], lines=1, text="true") as stream:
        first = [sent.data for sent in itertools.islice(stream, 2)]
        assert sorted(first) == ["api: ready", "web: ready"]
        api.post("/api/processes/api/input", input="one")
        assert next(iter(stream)).data == "api: got: one"
        last = stream.last_event_id
    api.post(f"{WEB}/input", input="two")
    api.said("web", "got: two")
    # One of them was stopped, started and removed meanwhile: the others go on.
    api.post("/api/processes/api/stop")
    api.delete("/api/processes/api")
    with api.stream("/api/output/stream", last, process=["web", "api"], lines=1, text="true") as stream:
        assert next(iter(stream)).data == "web: got: two"
    api.post(f"{WEB}/stop")
    api.delete(WEB)
    assert api.get("/api/output/stream", process=["web"], last_event_id=last).status == 204


# Says what it reads; \\n is the end of a line.
PIECES = "import sys\nfor piece in sys.stdin: print(piece.rstrip().replace('_', '\\n'), end='', flush=True)"


def test_lines_that_come_in_pieces_are_read_whole(api: Api) -> None:
    api.post("/api/processes", command=[sys.executable, "-c", PIECES], name="web")
    with api.stream(f"{WEB}/output/stream") as stream:
        api.post(f"{WEB}/input", input="whole_tick")
        seen = ""
        for sent in stream:
            seen += "".join(line["text"] + "_" * ("partial" not in line) for line in sent.json["lines"])
            if seen == "whole_tick":
                break
        place = Place.decoded(stream.last_event_id)
    # A beginning that is quiet is shown: it may be a prompt. The id goes on behind it.
    with api.stream(f"{WEB}/output/stream", lines=1, text="true") as stream:
        assert next(iter(stream)).data == "tick"
        api.post(f"{WEB}/input", input="35_")
        assert next(iter(stream)).data == "35"
    # Before it is shown it is in the id, and comes with its end.
    place.begun = {key: {"stdout": "tick"} for key in place.cursors}
    with api.stream(f"{WEB}/output/stream", place.encoded(), text="true") as stream:
        assert next(iter(stream)).data == "tick35"
    with api.websocket(f"{WEB}/output/stream", cursor="start", text="true") as web_socket:
        assert web_socket.recv(10) == "whole\ntick35"
    with api.stream(f"{WEB}/output/stream", text="true") as stream:
        api.post(f"{WEB}/input", input="the end")
        api.said("web", "the end")
        api.post(f"{WEB}/stop")
        shown = "\n".join(sent.data for sent in until(stream, "stopped"))
        assert "the end" in shown.split("\n")


def test_events_among_the_output_do_not_come_twice(api: Api) -> None:
    api.start(program("echo_stdin"), "web")
    with api.stream(f"{WEB}/output/stream") as stream:
        api.post(f"{WEB}/restart")
        assert [sent.type for sent in until(stream, "restarted")][-2:] == ["started", "restarted"]
        last = stream.last_event_id
    api.said("web", "ready")
    api.post(f"{WEB}/input", input="hello")
    with api.stream(f"{WEB}/output/stream", last) as stream:
        lines = itertools.islice(stream, 1)
        assert {sent.type for sent in lines} == {"output"}


def test_a_stream_ends_when_its_process_is_removed(api: Api) -> None:
    api.post("/api/processes", command=["echo", "hello"], name="web")
    api.post(f"{WEB}/wait", exit=True)
    with api.stream(f"{WEB}/output/stream", lines=5) as stream:
        # Before it is told: what was deleted first would be told as a gap, missed_bytes instead of lines.
        first = next(iter(stream))
        api.delete(WEB)
        got = list(stream)
    assert first.json["lines"] == [{"stream": "stdout", "text": "hello"}]
    assert [sent.type for sent in got][-2:] == ["removed", "ended"]


def test_a_wrong_stream_is_refused(api: Api) -> None:
    assert api.get("/api/output/stream", process="nope").status == 404
    assert api.get("/api/events", typ="x").error["hint"] == "did you mean types?"
    assert api.get("/api/events", last_event_id="x").status == 400
    assert api.get("/api/output/stream", last_event_id="x").error["hint"] == "leave it out to begin anew"
    assert api.get(f"{WEB}/output/stream", process="other").status == 400
    assert api.get("/api/events", text="perhaps").error["message"] == "text must be true or false"


def test_a_reader_that_does_not_read_costs_nothing(api: Api) -> None:
    api.start(program("steady_writer", 0, 4000), "web")
    with api.stream(f"{WEB}/output/stream", cursor="start"):
        wrote = _written(api)
        eventually(lambda: _written(api) > wrote + 30_000_000, within=20)
        assert _resident(api.bridge.pid) < 250_000_000
        before = _resident(api.bridge.pid)
        wrote = _written(api)
        eventually(lambda: _written(api) > wrote + 30_000_000, within=20)
        assert _resident(api.bridge.pid) - before < 8_000_000


def _written(api: Api) -> int:
    return sum(int(stream["bytes"]) for stream in api.get(f"{WEB}/log_paths").json["streams"])


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


# --- WebSocket ----------------------------------------------------------------------------------------------------


def test_a_websocket_brings_one_event_a_frame(api: Api) -> None:
    with api.websocket("/api/events", types=["started", "exited"]) as web_socket:
        api.post("/api/processes", command=["true"], name="web")
        frames = [json.loads(web_socket.recv(10)) for _ in range(2)]
    assert [frame["type"] for frame in frames] == ["started", "exited"]
    assert frames[1]["exit_code"] == 0
    with api.websocket("/api/events", text="true", after=frames[0]["sequence"]) as web_socket:
        assert " web exited (exit code 0)" in str(web_socket.recv(10))


def test_a_websocket_follows_output(api: Api) -> None:
    api.start(program("echo_stdin"), "web")
    with api.websocket(f"{WEB}/output/stream", lines=10) as web_socket:
        first = json.loads(web_socket.recv(10))
        assert (first["type"], [line["text"] for line in first["lines"]]) == ("output", ["ready"])
        api.post(f"{WEB}/input", input="hello")
        web_socket.recv(10)
        web_socket.send("what a client says is not listened to")
        api.post(f"{WEB}/input", input="again")
        assert json.loads(web_socket.recv(10))["lines"][0]["text"] == "got: again"
    with api.websocket(f"{WEB}/output/stream", cursor=first["cursor"], text="true") as web_socket:
        assert web_socket.recv(10) == "got: hello\ngot: again"
        api.post(f"{WEB}/stop")
        api.delete(WEB)
        with pytest.raises(ConnectionClosed) as closed:
            _drain(web_socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1000


def _drain(web_socket: ClientConnection) -> None:
    while True:
        web_socket.recv(10)


def test_a_wrong_websocket_is_refused_with_the_reason(api: Api) -> None:
    for path, status, code in [
        ("/api/processes/nope/output/stream", 404, "process_not_found"),
        ("/api/processes", 404, "not_found"),
        ("/api/events?afte=1", 400, "invalid_params"),
    ]:
        with pytest.raises(InvalidStatus) as refused, api.websocket(path):
            pass
        response = refused.value.response
        assert (response.status_code, json.loads(response.body or b"")["error"]["code"]) == (status, code)


# --- the lives of the others --------------------------------------------------------------------------------------


def test_streams_outlive_the_daemon_and_end_with_the_bridge(new_bridge: Callable[..., Bridge], tmp_path: Path) -> None:
    bridge = new_bridge()
    bridge.start()
    api = Api(bridge, tmp_path)
    api.start(program("echo_stdin"), "web")
    with api.websocket("/api/events", types=["stopping"]) as web_socket, api.stream(f"{WEB}/output/stream") as stream:
        daemon = api.get("/api/daemon").json["pid"]
        os.kill(daemon, signal.SIGKILL)
        wait_gone(daemon)
        # The next call starts another one, and the streams find it.
        api.post(f"{WEB}/input", input="hello")
        assert next(stream.lines()) == "got: hello"
        began = time.monotonic()
        bridge.kill(signal.SIGTERM)
        assert time.monotonic() - began < 2
        assert stream.rest() == b"", "ended, not cut off"
        with pytest.raises(ConnectionClosed) as closed:
            web_socket.recv(5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code in (1001, 1012)


def test_a_wait_is_answered_when_the_bridge_ends(new_bridge: Callable[..., Bridge], tmp_path: Path) -> None:
    bridge = new_bridge()
    bridge.start()
    api = Api(bridge, tmp_path)
    api.start(program("sleeper"), "web")
    wanted = {"process": "web", "output": "never", "timeout_seconds": 50}
    call = {"jsonrpc": "2.0", "id": 1, "method": "wait_for_process", "params": wanted}
    with bridge.client() as client, ThreadPoolExecutor() as pool:
        before = client.get_daemon_status()["connections"]
        waiting = [pool.submit(api.post, f"{WEB}/wait", output="never", timeout_seconds=50), pool.submit(api.rpc, call)]
        # The bridge has one connection left of the calls before, so two waits take one more.
        eventually(lambda: client.get_daemon_status()["connections"] == before + 1, what="both wait")
        bridge.kill(signal.SIGTERM)
        for reply in (each.result(5) for each in waiting):
            assert (reply.status, reply.error["code"]) == (503, "shutting_down")
            assert reply.error["hint"].startswith("ask again")


UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def test_readers_that_vanish_leave_nothing(api: Api) -> None:
    api.start(program("steady_writer", 1, 1000), "web")
    logged = len(api.bridge.log())
    with api.bridge.client() as client:
        before = client.get_daemon_status()["connections"]
        for more in ("", UPGRADE) * 5:
            _read_a_little_and_vanish(api, more)
        eventually(lambda: client.get_daemon_status()["connections"] <= before, what="no subscription is left")
    assert not re.search(" (warning|error) ", api.bridge.log()[logged:])


def _read_a_little_and_vanish(api: Api, more: str) -> None:
    path = f"{WEB}/output/stream?cursor=start&working_directory={quote(str(api.directory))}"
    with socket.create_connection(("127.0.0.1", api.bridge.port), 10) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{api.bridge.port}\r\n{more}\r\n".encode())
        got = b""
        while b"out 0" not in got:
            got += sock.recv(65536)
        # Closed with a reset: nothing announces the end.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
