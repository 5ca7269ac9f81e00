"""Free ports that stay the same, and are no other's."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from persistproc_core.daemon.ports.free import span
from tests.daemon.hub import Hub, at_once
from tests.kit import eventually, free_port, program

FULL = os.environ.get("TESTS_FULL") == "1"
AUTO: list[dict[str, object]] = [{}]


def listener(name: str = "web") -> list[str]:
    """For each name another command: the same one under another name would be joined."""
    return program("listener", "{port}", "127.0.0.1", name)


def start(hub: Hub, name: str = "web", **params: Any) -> dict[str, Any]:
    return hub.ready(listener(name), name=name, **{"ports": AUTO, **params})


def leases(hub: Hub) -> dict[tuple[str, str, str], int]:
    listed = json.loads(Path(hub.daemon.home.leases).read_text(encoding="ascii"))["leases"]
    return {(directory, process, name): port for directory, process, name, port in listed}


def test_told_in_the_command_and_the_variable(hub: Hub) -> None:
    info = start(hub)
    port = info["assigned_ports"]["port"]
    assert port in span()
    assert (info["argv"], info["command"].split()[-3]) == (program("listener", port, "127.0.0.1", "web"), str(port))
    assert f"'PORT': '{port}'" in hub.lines("web")[-1]
    assert [each["port"] for each in hub.status("web")["ports"]] == [port]


def test_names_and_variables(hub: Hub) -> None:
    fixed = free_port()
    wishes = [{"name": "web"}, {"name": "debug-x"}, {"name": "api", "variable": "API"}, {"name": "old", "port": fixed}]
    text = "{ports.debug-x} {ports.web} {port} ${port} {{port}} {other} {ports.old}"
    command = ["sh", "-c", 'echo "$0" $PORT $DEBUG_X_PORT $API $OLD_PORT $OWN', text]
    info = hub.finish(command, name="web", ports=wishes, environment={"OWN": "http://{ports.api}/", "ODD": "{ports.z}"})
    assigned = info["assigned_ports"]
    web, debug, api = assigned["web"], assigned["debug-x"], assigned["api"]
    assert list(assigned) == ["web", "debug-x", "api", "old"]
    assert assigned["old"] == fixed
    assert len(set(assigned.values())) == 4
    said = f"{debug} {web} {web} ${{port}} {{{{port}}}} {{other}} {fixed}"
    assert hub.lines("web") == [f"{said} {web} {debug} {api} {fixed} http://{api}/"]


def test_the_same_after_restarts_of_all_kinds(hub: Hub, restarted: Callable[[], Hub]) -> None:
    port = start(hub)["assigned_ports"]["port"]
    assert hub.call("restart_process", "web")["assigned_ports"] == {"port": port}
    hub.stop("web")
    assert start(hub)["assigned_ports"] == {"port": port}
    restarted()
    assert start(hub, fresh=True)["assigned_ports"] == {"port": port}
    assert hub.status("web")["environment_names"].count("PORT") == 1
    hub.stop("web")
    hub.call("remove_process", "web")
    assert start(hub)["assigned_ports"] == {"port": port}


def test_joined_with_the_same_wish(hub: Hub) -> None:
    first = start(hub)
    again = start(hub)
    assert (again["already_running"], again["pid"], again["differences"]) == (True, first["pid"], [])
    other = start(hub, ports=[{"port": free_port()}])
    assert other["already_running"]
    assert other["differences"][0]["what"] == "ports"
    unnamed = hub.start(listener(), ports=AUTO)
    assert (unnamed["name"], unnamed["already_running"]) == ("web", True)


def test_no_port_twice(hub: Hub, tmp_path: Path) -> None:
    """Of several processes and projects, removed and ended ones and fixed ports among them."""
    fixed = start(hub, "fixed", ports=[{"port": free_port()}])["assigned_ports"]["port"]
    first = start(hub, "a")["assigned_ports"]["port"]
    hub.stop("a")
    hub.stop("fixed")
    (tmp_path / "other").mkdir()
    second = start(hub, "a", working_directory=str(tmp_path / "other"))["assigned_ports"]["port"]
    hub.call("remove_process", f"{hub.project}/a")
    third = start(hub, "b", ports=[{"prefer": first}])["assigned_ports"]["port"]
    fourth = start(hub, "c", ports=[{"prefer": fixed}])["assigned_ports"]["port"]
    assert len({fixed, first, second, third, fourth}) == 5
    reply = hub.call("get_port", port=first)
    assert (reply["holder"], reply["leased_to"]) == (None, "shop/a")


def test_preferred_at_the_first_time(hub: Hub) -> None:
    wanted = free_port()
    assert start(hub, ports=[{"prefer": wanted}])["assigned_ports"] == {"port": wanted}
    hub.stop("web")
    assert start(hub, ports=[{"prefer": free_port()}])["assigned_ports"] == {"port": wanted}


def test_moved_when_a_stranger_has_it(hub: Hub) -> None:
    port = start(hub)["assigned_ports"]["port"]
    hub.stop("web")
    with socket.create_server(("127.0.0.1", port)):
        refused = hub.error("restart_process", "web")
        info = start(hub)
    moved = info["assigned_ports"]["port"]
    assert refused.code == "port_taken"
    assert moved != port
    assert f"port {moved} instead of {port}, which is held by pid {os.getpid()}" in info["reason"]
    hub.stop("web")
    again = start(hub)
    assert again["assigned_ports"] == {"port": moved}
    assert "instead of" not in again["reason"]


def test_known_again_when_the_file_is_lost_or_damaged(hub: Hub) -> None:
    # Not one that it would be given anyway.
    port = start(hub, ports=[{"prefer": free_port()}])["assigned_ports"]["port"]
    path = Path(hub.daemon.home.leases)
    path.unlink()
    eventually(path.exists, what="the file is there again")
    assert leases(hub)[str(hub.project), "web", "port"] == port
    hub.stop("web")
    hub.daemon.kill()
    hub.forget_connections()
    path.write_text('{"format": 1, "leases": [["a"', encoding="ascii")
    hub.daemon.start()
    assert start(hub)["assigned_ports"] == {"port": port}
    assert path.with_suffix(".json.unreadable").exists()
    assert "leases.unreadable" in hub.daemon.log()


def test_nothing_is_given_that_could_not_be_kept(hub: Hub) -> None:
    obstacle = Path(hub.daemon.home.leases + ".new")
    obstacle.mkdir()
    refused = hub.error("start_process", command=listener(), ports=AUTO)
    obstacle.rmdir()
    assert (refused.code, hub.list()) == ("storage_failed", {})


def test_many_at_once(hub: Hub, restarted: Callable[[], Hub]) -> None:
    """Each of ten clients starts some; all listen, each on its own port, and so they do after the daemon's death."""
    clients, each = 10, 5 if FULL else 1

    def starts(client: int) -> list[tuple[str, int]]:
        with hub.daemon.connect(60) as connection:
            names = [f"p{client}-{number}" for number in range(each)]
            params = {"ports": AUTO, "working_directory": str(hub.project)}
            infos = [connection.call("start_process", name=name, command=listener(name), **params) for name in names]
            return [(info["name"], info["assigned_ports"]["port"]) for info in infos]

    found = dict(pair for pairs in at_once(*(lambda c=c: starts(c) for c in range(clients))) for pair in pairs)
    assert len(set(found.values())) == len(found) == clients * each
    for name, port in found.items():
        hub.call("wait_for_process", name, port=port, timeout_seconds=30)
    restarted()
    listed = hub.list()
    assert {name: [port["port"] for port in info["ports"]] for name, info in listed.items()} == {
        name: [port] for name, port in found.items()
    }
    again = {
        name: hub.call("restart_process", name)["assigned_ports"]["port"] for name in list(found)[:: 5 if FULL else 9]
    }
    assert again.items() <= found.items()
