"""A port that somebody else holds: told before anything starts, with who it is; and after a run that failed by it."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.hub import Hub
from tests.kit import WireError, free_port, program


def start(hub: Hub, name: str, port: int, *more: object, **params: Any) -> dict[str, Any]:
    return hub.ready(program("listener", port, *more), name=name, ports=[{"port": port}], **params)


def refused(hub: Hub, port: int, **params: Any) -> WireError:
    error = hub.error("start_process", command=program("sleeper"), name="new", ports=[{"port": port}], **params)
    assert error.code == "port_taken"
    assert error.error["data"]["port"] == port
    assert "new" not in hub.list()
    return error


def failed(hub: Hub, name: str, *words: object, **params: Any) -> str:
    reason: str = hub.finish(program(*map(str, words)), name=name, **params)["reason"]
    return reason


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_ours_holds_it(hub: Hub, address: str) -> None:
    port = free_port()
    info = start(hub, "web", port, address)
    error = refused(hub, port)
    holder = error.error["data"]["holder"]
    assert (holder["kind"], holder["name"], holder["project"]) == ("process", "web", "shop")
    assert (holder["pid"], holder["command"], holder["working_directory"]) == (
        info["pid"],
        info["command"],
        str(hub.project),
    )
    assert (holder["started_by"], holder["started_at"]) == (info["started_by"], info["started_at"])
    assert f"port {port} is taken: shop/web (pid {info['pid']}) listens on it" in str(error)
    assert "persistproc stop shop/web" in error.error["data"]["hint"]
    assert hub.call("get_port", port=port)["holder"] == holder


def test_a_stranger_holds_it(hub: Hub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        error = refused(hub, port)
    holder = error.error["data"]["holder"]
    assert (holder["kind"], holder["pid"], holder["name"]) == ("stranger", os.getpid(), None)
    assert "python" in holder["command"]
    assert Path(holder["working_directory"]) == Path.cwd()
    assert f"persistproc adopt :{port}" in error.error["data"]["hint"]
    assert hub.call("get_port", port=port) == {"port": port, "holder": None, "leased_to": None}


def test_a_socket_that_does_not_listen_has_it(hub: Hub) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        error = refused(hub, bound.getsockname()[1])
    assert error.error["data"]["holder"] is None


def test_one_of_ours_is_about_to_listen(hub: Hub) -> None:
    """A slow server: who is started meanwhile would find the port free, and one of both would fail."""
    port = free_port()
    info = hub.start(program("late_server", port), name="web", ports=[{"port": port}])
    error = refused(hub, port)
    assert f"port {port} is taken: shop/web (pid {info['pid']}) is about to listen on it" in str(error)
    assert error.error["data"]["holder"]["name"] == "web"
    hub.stop("web")
    start(hub, "new", port)


def test_its_own_run_that_nobody_may_look_at(hub: Hub) -> None:
    """As with a program that has capabilities: only root sees its descriptors then (PR_SET_DUMPABLE, prctl(2))."""
    port = free_port()
    text = "import ctypes, socket, time; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n"
    text += f"with socket.create_server(('127.0.0.1', {port})): print('ready', flush=True); time.sleep(600)"
    command = [sys.executable, "-c", text]
    first = hub.ready(command, name="web", ports=[{"port": port}])
    assert hub.call("restart_process", "web")["pid"] != first["pid"]
    hub.await_line("web", "^ready")
    assert hub.error("start_process", command=["true"], name="new", ports=[{"port": port}]).code == "port_taken"


def test_its_own_run_is_no_obstacle(hub: Hub) -> None:
    port = free_port()
    first = start(hub, "web", port)
    assert start(hub, "web", port)["already_running"]
    second = start(hub, "web", port, fresh=True)
    third = hub.call("restart_process", "web")
    assert len({first["pid"], second["pid"], third["pid"]}) == 3
    hub.await_line("web", "^ready")
    assert hub.status("web")["assigned_ports"] == {"port": port}


def test_the_old_run_goes_on(hub: Hub) -> None:
    """A replacement that cannot have its port costs nothing."""
    port = free_port()
    start(hub, "web", port)
    old = hub.ready(program("listener", free_port()), name="new")
    error = hub.error("start_process", command=["true"], name="new", replace=True, ports=[{"port": port}])
    assert error.code == "port_taken"
    assert hub.status("new")["pid"] == old["pid"]
    assert hub.state("new") == "running"


def test_one_that_is_optional_is_no_obstacle(hub: Hub) -> None:
    port = free_port()
    start(hub, "web", port)
    info = hub.start(program("sleeper"), name="new", ports=[{"port": port, "optional": True}])
    assert info["assigned_ports"] == {"port": port}


@pytest.mark.parametrize(
    ("ports", "told"),
    [
        ([{"port": 3000}, {"port": 3001}], "two ports have the same name: port"),
        ([{"name": "a", "port": 3000}, {"name": "b", "port": 3000}], "two ports have the same number: 3000"),
        ([{"name": "a", "variable": "B_PORT"}, {"name": "b"}], "two ports have the same variable: B_PORT"),
        ([{"name": "a.b"}], "'a.b' cannot be the name of a port"),
        ([{"variable": "A B"}], "'A B' cannot be the name of a variable"),
        ([{"port": 3000, "prefer": 3001}], "port port has port and prefer"),
    ],
)
def test_what_cannot_be(hub: Hub, ports: list[dict[str, object]], told: str) -> None:
    error = hub.error("start_process", command=["true"], ports=ports)
    assert error.code == "invalid_params"
    assert told in str(error)


def test_a_placeholder_without_a_port(hub: Hub) -> None:
    error = hub.error("start_process", command=["echo", "{ports.wbe}"], ports=[{"name": "web"}])
    assert error.code == "invalid_params"
    assert "{ports.wbe}: there is no such port" in str(error)
    assert error.error["data"]["hint"] == "did you mean {ports.web}?"
    assert hub.list() == {}
    assert hub.finish(["echo", "{port}"], name="plain")["argv"] == ["echo", "{port}"]


def test_a_run_that_failed_tells_who(hub: Hub) -> None:
    port = free_port()
    info = start(hub, "web", port)
    hub.call("get_news")
    reason = failed(hub, "new", "listener", port, "127.0.0.1", "new")
    assert reason == f"exited with code 1; port {port} is held by shop/web (pid {info['pid']})"
    event = hub.call("get_news")["events"][-1]
    assert (event["type"], event["reason"]) == ("failed", reason)
    error = hub.restart_in_vain("new")
    assert f"port {port} is held by shop/web" in str(error)


def test_a_run_that_failed_by_a_stranger(hub: Hub) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        reason = failed(hub, "new", "listener", port, "127.0.0.1", "new")
    assert reason.startswith(f"exited with code 1; port {port} is held by pid {os.getpid()} (")
    text = f"print('port {port} is already in use') or exit(3)"
    assert hub.finish([sys.executable, "-c", text], name="b")["reason"] == (
        f"exited with code 3; port {port} was in use, and is free now"
    )


def test_a_run_that_failed_otherwise_tells_nothing(hub: Hub) -> None:
    assert failed(hub, "new", "exit_n", 4) == "exited with code 4"
