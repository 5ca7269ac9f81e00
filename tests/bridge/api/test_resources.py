"""Every resource: what it does, and what it says when it cannot."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from persistproc_core import errors
from persistproc_core.client.wire import SUBSCRIBES
from persistproc_core.protocol import METHODS
from persistproc_mcp.api.failures import STATUSES
from persistproc_mcp.api.resources import RESOURCES
from tests.bridge.api.client import Api
from tests.kit import eventually, program

WEB = "/api/processes/web"


def test_health_tells_about_bridge_and_daemon(api: Api) -> None:
    told = api.get("/health").json
    with api.bridge.client() as client:
        assert told["daemon"] == {"pid": client.hello["pid"], "version": client.hello["version"]}
    assert told["pid"] == api.bridge.pid
    assert told["url"] == api.bridge.url


def test_a_process_from_its_start_to_its_removal(api: Api) -> None:
    started = api.post("/api/processes", command=program("echo_stdin"), name="web", reason="to see it")
    assert started.status == 201
    assert started.json["started_by"]["name"] == "api-test"
    assert started.json["start_reason"] == "to see it"
    assert started.json["working_directory"] == str(api.directory), "the caller's own directory"
    api.said("web", "ready")

    again = api.post("/api/processes", command=program("echo_stdin"), name="web")
    assert (again.status, again.json["already_running"]) == (200, True)

    assert api.post(f"{WEB}/input", input="hello").json["bytes"] == 6
    api.said("web", "got: hello")
    output = api.get(f"{WEB}/output", grep="got", lines=5, timestamps="true").json
    assert [line["text"] for line in output["lines"]] == ["got: hello"]
    assert "time" in output["lines"][0]

    assert [each["name"] for each in api.get("/api/processes", running="true").json["processes"]] == ["web"]
    assert api.get(WEB).json["history"][0]["run"] == 1
    assert api.get(f"{WEB}/log_paths").json["streams"][0]["paths"]

    assert api.post(f"{WEB}/restart").json["previous_run"] == 1
    assert api.post(f"{WEB}/stop", reason="enough").json["stop_reason"] == "enough"
    assert api.delete(WEB).json["runs"] == 2
    assert api.get(WEB).status == 404


def test_the_options_of_a_process(api: Api) -> None:
    api.start(program("sleeper"), "web", restart="on-failure")
    told = api.patch(WEB, ttl_seconds=7200, autostart=True, reason="a demo").json
    assert (told["restart"], told["ttl_seconds"], told["autostart"]) == ("on-failure", 7200, True)
    assert api.patch(WEB, ttl_seconds=-1).status == 400
    assert api.patch(WEB).error["message"] == "there is nothing to change"
    assert api.patch("/api/processes/nobody", restart="never").status == 404
    refused = api.request("PATCH", f"{WEB}?restart=never", b"{}")
    assert refused.error["message"] == "a PATCH takes its parameters in a JSON object, not in the query"
    assert api.get(WEB).json["restart"] == "on-failure"


def test_what_is_left_behind(api: Api) -> None:
    api.start(program("sleeper"), "web", ttl_seconds=3600)
    assert api.get("/api/processes", stale="true").json["processes"] == []
    (left,) = api.get("/api/processes", stale="true", unused_for="0s").json["processes"]
    assert left["stale"].startswith("nobody has read its output or used its port for")
    assert left["expires_at"] is not None
    assert api.get("/api/processes", unused_for="1h").status == 400
    (pruned,) = api.post("/api/prune", stale=True, unused_for="0s").json["processes"]
    assert (pruned["stopped"], pruned["removed"]) == (True, True)
    assert api.get(WEB).status == 404


def test_a_new_process_is_where_the_reply_says(api: Api) -> None:
    started = api.post("/api/processes", command=program("sleeper"), name="web")
    there = api.get(started.headers["location"])
    assert there.json["run_id"] == started.json["run_id"]


def test_a_name_is_one_segment_of_the_path(api: Api) -> None:
    started = api.start(program("sleeper"), "web")
    names = ["web", "shop%2Fweb", quote(f"{api.directory}/web", safe=""), str(started["pid"])]
    for name in names:
        assert api.get(f"/api/processes/{name}").json["run_id"] == started["run_id"], name
    assert api.get("/api/processes/shop/web").status == 404


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no directory can be told")
@pytest.mark.parametrize("header", [[], ["-H", "Persistproc-Directory: /"]], ids=["of the process", "of a relay"])
@pytest.mark.parametrize("path", ["/api/processes", "/rpc"])
def test_nothing_is_started_where_nobody_knows_where(api: Api, path: str, header: list[str]) -> None:
    # From the desktop programs are started in /; the daemon would run the command in the user's home.
    params = {"command": ["true"], "name": "lost"}
    body = params if path == "/api/processes" else request("start_process", **params)
    curl = [
        "curl",
        "-s",
        "-H",
        "Content-Type: application/json",
        *header,
        "-d",
        json.dumps(body),
        api.bridge.url + path,
    ]
    answer = subprocess.run(curl, cwd="/", capture_output=True, encoding="utf-8", timeout=20).stdout
    assert "working_directory is needed: where you work cannot be told" in answer
    listed = api.get("/api/processes", all_projects="true").json["processes"]
    assert "lost" not in [process["name"] for process in listed]


def test_protection_is_shown_and_holds(api: Api) -> None:
    api.start(program("sleeper"), "web")
    assert api.post(f"{WEB}/protect", reason="demo").json["protected_by"]["name"] == "api-test"
    other = Api(api.bridge, api.directory, "somebody-else")
    refused = other.post(f"{WEB}/stop")
    assert refused.status == 403
    assert refused.error["code"] == "process_protected"
    assert refused.error["hint"]
    assert api.post(f"{WEB}/protect", protected=False).json["protected_by"] is None


def test_signal_and_terminal(api: Api) -> None:
    api.start(program("tell_signals", "USR1"), "web")
    assert api.post(f"{WEB}/signal", signal="USR1").status == 200
    refused = api.post(f"{WEB}/terminal", rows=30, columns=100)
    assert (refused.status, refused.error["code"]) == (409, "no_terminal")


def test_marks_news_and_pruning(api: Api) -> None:
    api.post("/api/processes", command=["true"], name="web")
    assert api.post(f"{WEB}/wait", exit=True).json["met"] == "exit"
    assert api.post("/api/marks", name="here").json["name"] == "here"
    assert [mark["name"] for mark in api.get("/api/marks").json["marks"]] == ["here"]
    assert api.post("/api/news").json["events"] == []
    told = api.post("/api/prune", dry_run=True).json
    assert [process["name"] for process in told["processes"]] == ["web"]
    assert api.get("/api/daemon").json["home"] == api.bridge.home.path


@pytest.mark.parametrize(
    ("path", "query", "message", "hint"),
    [
        ("/api/processes", {"runing": 1}, "list_processes has no parameter runing", "did you mean running?"),
        ("/api/processes", {"cwd": "/"}, "list_processes has no parameter cwd", "did you mean working_directory?"),
        ("/api/processes", {"running": "perhaps"}, "running must be true or false, not text", None),
        (f"{WEB}/output", {"lines": "many"}, "lines must be a whole number, not text", None),
        (f"{WEB}/output", {"lines": [1, 2]}, "lines is given twice", "once is enough"),
        (f"{WEB}/output", {"mark": "x"}, "mark is not taken here", None),
        (f"{WEB}/output", {"process": "api"}, "process is in the path already", "leave it out"),
        (WEB, {"environment": "{}"}, "environment is not taken here", None),
        ("/api/processes", {"client": '{"nam":"x"}'}, "client has no parameter nam", "did you mean name?"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("/") else "",
)
def test_a_wrong_query_says_what_is_wrong(
    api: Api, path: str, query: dict[str, object], message: str, hint: str | None
) -> None:
    reply = api.get(path, **query)
    assert reply.status == 400
    assert reply.error["code"] == "invalid_params"
    assert reply.error["message"] == message
    assert hint is None or reply.error["hint"] == hint


def test_a_wrong_body_says_what_is_wrong(api: Api) -> None:
    assert api.post("/api/processes", comand="true").error["hint"] == "did you mean command?"
    assert api.request("POST", "/api/processes", b"[1]").error["message"] == "the body is a JSON object"
    assert api.request("POST", "/api/processes", b"{").error["code"] == "parse_error"
    assert api.request("POST", f"{WEB}/stop?force=true", b"{}").status == 400
    assert api.get("/api/processes", all_projects="true").status == 200
    assert api.get("/api/processes").json["processes"] == [], "nothing was started"


def test_errors_have_fitting_statuses(api: Api) -> None:
    api.start(program("sleeper"), "web")
    missing = api.post("/api/processes/wbe/stop")
    assert (missing.status, missing.error["code"]) == (404, "process_not_found")
    assert missing.error["candidates"]
    assert api.delete(WEB).status == 409
    taken = api.post("/api/processes", command=["true"], name="web")
    assert (taken.status, taken.error["code"]) == (409, "name_taken")
    failed = api.post("/api/processes", command=["/nowhere/at-all"], name="other")
    assert (failed.status, failed.error["errno"]) == (422, "ENOENT")
    late = api.post(f"{WEB}/wait", output="never", timeout_seconds=0)
    assert (late.status, late.error["code"]) == (408, "wait_timed_out")


def test_every_error_has_a_status() -> None:
    assert set(STATUSES) == set(errors.error_classes())


def test_paths_and_methods_that_are_not_there(api: Api) -> None:
    assert api.get("/api/nothing").error["code"] == "not_found"
    refused = api.request("PUT", "/api/processes")
    assert refused.status == 405
    assert refused.headers["allow"] == "GET, POST"
    assert api.get("/rpc").headers["allow"] == "POST"
    assert api.request("HEAD", "/api/processes").body == b""
    assert api.get("/nothing").error == api.get("/api/nothing").error
    # Who opens the agents' address in a browser is told where to go.
    opened = api.get("/mcp/")
    assert (opened.status, opened.headers["allow"]) == (405, "POST")
    assert opened.error["hint"] == "agents speak MCP here; what people read is at /"
    assert api.request("PUT", "/health").headers["allow"] == "GET, HEAD"


def test_reading_never_changes_anything() -> None:
    changing = {"start", "stop", "restart", "send", "signal", "protect", "remove", "prune", "set", "get_news", "resize"}
    for resource in RESOURCES:
        if resource.verb == "GET":
            assert not any(resource.method.startswith(word) for word in changing), resource


# --- JSON-RPC -----------------------------------------------------------------------------------------------------


def request(method: str, request_id: object = 1, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def test_rpc_is_the_socket(api: Api) -> None:
    reply = api.rpc(request("start_process", command=program("sleeper"), name="web")).json
    assert reply["id"] == 1
    assert reply["result"]["started_by"]["name"] == "api-test"
    refused = api.rpc(request("get_process_status", "b", process="wbe"))
    assert refused.status == 200
    assert refused.json["error"]["data"]["error"] == "process_not_found"
    assert set(api.rpc(request("rpc.discover")).json["result"]) >= {"openrpc", "methods"}


def test_rpc_takes_batches_and_notifications(api: Api) -> None:
    note = {"jsonrpc": "2.0", "method": "set_mark", "params": {"name": "noted"}}
    replies = api.rpc([request("list_marks", 1), note, request("list_marks", 2), "nonsense"]).json
    assert [reply["id"] for reply in replies] == [1, 2, None]
    assert [len(reply["result"]["marks"]) for reply in replies[:2]] == [0, 1], "one after the other"
    only = api.rpc(note)
    assert (only.status, only.body) == (204, b"")
    assert api.rpc({**note, "params": {"nam": "x"}}).status == 204, "not even errors are answered"


def test_a_client_may_say_who_it_is(api: Api) -> None:
    told = {"name": "cursor", "session": "one"}
    reply = api.rpc(request("start_process", command=program("sleeper"), name="web", client=told))
    by = reply.json["result"]["started_by"]
    assert (by["name"], by["session"]) == ("cursor", "one")
    assert by["pid"] != api.bridge.pid, "the bridge is nobody's client"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"jsonrpc":"1.0"}', json.dumps([1] * 17).encode()])
def test_rpc_refuses_what_is_no_request(api: Api, body: bytes) -> None:
    reply = api.request("POST", "/rpc", body)
    assert reply.status == 400
    assert reply.json["id"] is None or "error" in reply.json


@pytest.mark.parametrize("method", sorted(SUBSCRIBES))
def test_rpc_names_the_streams_instead_of_subscribing(api: Api, method: str) -> None:
    assert method in METHODS
    error = api.rpc(request(method)).json["error"]
    assert "/api/events" in error["data"]["hint"]


def test_a_call_whose_client_has_gone_is_cancelled(api: Api) -> None:
    api.start(program("sleeper"), "web")
    body = b'{"output": "never", "timeout_seconds": 60}'
    head = f"POST {WEB}/wait HTTP/1.1\r\nHost: 127.0.0.1:{api.bridge.port}\r\nContent-Type: application/json\r\n"
    head += f"Persistproc-Directory: {quote(str(api.directory))}\r\nContent-Length: {len(body)}\r\n\r\n"
    with api.bridge.client() as client:

        def connections() -> int:
            return client.get_daemon_status()["connections"]

        before = connections()
        callers = []
        for _ in range(12):
            callers.append(socket.create_connection(("127.0.0.1", api.bridge.port)))
            callers[-1].sendall(head.encode() + body)
        eventually(lambda: connections() > before, what="the calls are with the daemon")
        for caller in callers:
            caller.close()
        eventually(lambda: connections() <= before, what="the daemon no longer waits for anybody")


def test_the_pages(api: Api) -> None:
    for path, kind in [("/", "text/html"), ("/docs", "text/html"), ("/docs.css", "text/css")]:
        reply = api.get(path)
        assert reply.status == 200
        assert reply.headers["content-type"].startswith(kind)
        assert b"<script" not in reply.body
    assert api.get("/openapi.json").json["openapi"].startswith("3.1")
    assert str(Path(api.bridge.home.path)).encode() in api.get("/").body


# --- projects and ports -------------------------------------------------------------------------------------------

PROJECT = """\
[processes.web]
command = "python3 -I -S -m http.server --bind 127.0.0.1 {port}"
port = "auto"

[processes.seed]
command = "true"
ready = "completed"
tags = ["data"]
"""


def test_a_project_over_http(api: Api) -> None:
    missing = api.get("/api/project")
    assert (missing.status, missing.error["code"]) == (404, "project_not_found")
    file = api.directory / "persistproc.toml"
    file.write_text("[processes.web]\ncomand = 'x'\n", "utf-8")
    wrong = api.post("/api/project/start")
    assert (wrong.status, wrong.error["code"], wrong.error["line"]) == (422, "project_invalid", 2)

    file.write_text(PROJECT, "utf-8")
    refused = api.post("/api/project/start")
    assert (refused.status, refused.error["code"]) == (403, "project_not_approved")
    found = api.get("/api/project", names=["data"]).json
    assert [process["name"] for process in found["processes"]] == ["seed"]
    assert refused.error["digest"] == found["digest"]
    started = api.post("/api/project/start", approve=found["digest"], reason="a demo").json
    assert {each["name"]: each["outcome"] for each in started["results"]} == {"web": "started", "seed": "started"}
    assert started["ready"] is True

    web = api.get(WEB).json
    port = web["assigned_ports"]["port"]
    assert web["url"] == f"http://localhost:{port}"
    told = api.get(f"/api/ports/{port}").json
    assert (told["holder"]["name"], told["leased_to"]) == ("web", "shop/web")
    stopped = api.post("/api/project/stop").json
    assert [each["name"] for each in stopped["results"] if each["outcome"] == "stopped"] == ["web"]
    assert api.get(f"/api/ports/{port}").json["holder"] is None


def test_a_port_that_is_none(api: Api) -> None:
    assert api.get("/api/ports/http").error["message"] == "port must be a whole number, not text"
    assert api.get("/api/ports/0").error["message"] == "port must be between 1 and 65535"


def test_a_server_that_was_started_outside(api: Api) -> None:
    with subprocess.Popen(
        program("http_server", 0), cwd=api.directory, stdout=subprocess.PIPE, encoding="utf-8"
    ) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().split()[1])
            holder = api.get(f"/api/ports/{port}").json["holder"]
            assert (holder["kind"], holder["pid"]) == ("stranger", server.pid)
            taken = api.post("/api/adopt", port=port, name="web").json
            assert (taken["adopted"], taken["pid"]) == (True, server.pid)
            refused = api.post("/api/adopt", pid=api.bridge.pid)
            assert (refused.status, refused.error["code"]) == (409, "not_adoptable")
            assert api.post(f"{WEB}/stop", force=True, reason="the test is over").status == 200
        finally:
            server.kill()
