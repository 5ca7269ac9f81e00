"""What ends by itself, and what was left behind: told, asked about, and cleaned up."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from persistproc_cli.commands import prune
from persistproc_core.client.sync import Client
from persistproc_core.paths import Home
from persistproc_core.protocol import PruneProcessesParams
from tests.cli.support import CLI, Cli, Terminal
from tests.client.line_server import Peer, line_server
from tests.kit import eventually, is_alive, program

SLEEPER = program("sleeper")


def started(cli: Cli, *words: str) -> int:
    """The pid of what was started."""
    pid = cli.json("start", "--json", *words)["pid"]
    assert isinstance(pid, int)
    return pid


def test_limits_are_told(cli: Cli) -> None:
    said = cli("start", "--name", "web", "--ttl", "2h", "--idle-timeout", "1h30m", "--", *SLEEPER, check=0)
    assert "it stops by itself after 2h or when nobody has used it for 1h30m\n" in said.stderr
    status = cli("status", "web", check=0).stdout
    assert re.search(
        r"^stops +after 2h or when nobody has used it for 1h30m \(as it is, in 1h(29m\d+s|30m)\)$", status, re.M
    )
    assert re.search(r"^used +not yet, as far as was seen$", status, re.M)
    cli("logs", "web", check=0)
    assert re.search(r"^used +\d+s ago$", cli("status", "web", check=0).stdout, re.M)
    info = cli.json("status", "web", "--json")
    assert (info["ttl_seconds"], info["idle_timeout_seconds"]) == (7200, 5400)


def test_it_stops_by_itself(cli: Cli) -> None:
    pid = started(cli, "--name", "web", "--ttl", "0.2s", "--", *SLEEPER)
    eventually(lambda: not is_alive(pid), what="its ttl is over")
    eventually(lambda: cli.json("status", "web", "--json")["state"] == "stopped", what="the daemon has seen it")
    ended = cli("status", "web", check=0).stdout
    assert "stopped by persistproc" in ended
    assert "ran for its ttl of 0.2s" in ended


@pytest.mark.parametrize("wrong", ["soon", "", "-1", "30m2h", "10y", "99999d"])
def test_a_duration_that_is_none(cli: Cli, wrong: str) -> None:
    said = cli("start", "--ttl", wrong, "--", *SLEEPER, check=2)
    assert said.stderr.startswith("persistproc: --ttl ")
    assert cli.processes() == []


def test_never_is_a_duration(cli: Cli) -> None:
    cli("start", "--name", "web", "--ttl", "never", "--idle-timeout", "0", "--", *SLEEPER, check=0)
    assert cli.json("status", "web", "--json")["expires_at"] is None


def test_what_is_left_behind_is_listed_and_why(cli: Cli) -> None:
    started(cli, "--name", "web", "--", *SLEEPER)
    assert "nothing looks left behind in this project" in cli("list", "--stale", check=0).stderr
    said = cli("list", "--stale", "--unused-for", "0s", check=0)
    title, row = said.stdout.splitlines()
    assert title.split() == ["NAME", "PID", "PORTS", "AGE", "MEMORY", "COMMAND", "WHY"]
    assert row.startswith("web ")
    assert "nobody has read its output or used its port for" in row
    assert "them: persistproc prune --stale --unused-for 0s; to keep" in said.stderr
    said = cli("list", "--stale", "--all", "--unused-for", "0s", check=0)
    assert "prune --stale --all --unused-for 0s;" in said.stderr
    (info,) = cli.processes("list", "--stale", "--unused-for", "0s")
    assert str(info["stale"]).startswith("nobody has read")
    assert cli("list", "--unused-for", "1h", check=2).stderr.startswith("persistproc: --unused-for says")
    assert "which is no age" in cli("list", "--stale", "--unused-for", "soon", check=2).stderr


def test_pruning_asks_before_it_stops(cli: Cli) -> None:
    left = started(cli, "--name", "left", "--", *SLEEPER)
    kept = started(cli, "--name", "kept", "--protect", "--", *program("echo_stdin"))
    said = cli("prune", "--stale", "--unused-for", "0s", check=2)
    assert "nobody is there to ask" in said.stderr
    assert "--yes" in said.stderr
    dry = cli("prune", "--stale", "--unused-for", "0s", "--dry-run", check=0).stdout
    assert "/left: would be stopped, 1 run would be removed, " in dry.splitlines()[0]
    for answer, code in (("", 1), ("y", 0)):
        assert is_alive(left)
        with cli.terminal("prune", "--stale", "--unused-for", "0s") as terminal:
            shown = terminal.wait_for(r"stop and forget it\? \[y/N\] ")
            assert "left" in shown
            assert "kept" not in shown
            assert "WHY" in shown
            terminal.type(f"{answer}\n")
            assert terminal.wait() == code
    assert not is_alive(left)
    assert is_alive(kept)
    assert [info["name"] for info in cli.processes()] == ["kept"]


def test_pruning_asks_about_what_has_ended_too(cli: Cli) -> None:
    cli.ended("done", "true")
    with cli.terminal("prune", "--stale") as terminal:
        terminal.wait_for(r"nothing looks left behind; forget 1 ended run\? \[y/N\] ")
        terminal.type("\n")
        assert terminal.wait() == 1
    started(cli, "--name", "left", "--", *SLEEPER)
    with cli.terminal("prune", "--stale", "--unused-for", "0s") as terminal:
        terminal.wait_for(r"stop and forget it, and forget 1 ended run of others\? \[y/N\] ")
        terminal.type("n\n")
        assert terminal.wait() == 1
    assert len(cli.processes()) == 2


def test_a_prune_that_cannot_end_all_tells_what_it_did(home: Home, tmp_path: Path) -> None:
    """The daemon is a stand-in: what survives SIGKILL cannot be made at will."""
    done = {"name": "old", "project": "shop", "runs": 2, "bytes": 2048, "stopped": False, "removed": True}
    data = {"error": "stop_timed_out", "hint": "look at what is left", "processes": [done], "bytes": 2048}
    wrong = {"code": 7, "message": "shop/web: pid 7 is still there", "data": data}
    cli = Cli(home, tmp_path)

    def answer(peer: Peer) -> None:
        peer.greet()
        while True:
            peer.send({"jsonrpc": "2.0", "id": peer.request()["id"], "error": wrong})

    with line_server(home.socket, answer):
        said = cli("prune", "--stale", "--yes", check=1)
        document = cli("prune", "--stale", "--yes", "--json", check=1)
    assert said.stdout.splitlines() == ["shop/old: 2 runs removed, 2K", "2K freed"]
    assert "shop/web: pid 7 is still there" in said.stderr
    assert document.stdout == ""
    assert json.loads(document.stderr)["error"]["processes"] == [done]


def test_what_would_be_stopped_is_shown_where_the_question_is(cli: Cli) -> None:
    """Standard output is a file here: who is asked has to see what about, and the file holds a document."""
    started(cli, "--name", "left", "--", *SLEEPER)
    command = shlex.join([*CLI, "prune", "--stale", "--unused-for", "0s", "--json"]) + " > out.json"
    terminal = Terminal(["/bin/sh", "-c", command], cli.project, cli.variables())
    try:
        assert "left" in terminal.wait_for(r"stop and forget it\? \[y/N\] ")
        terminal.type("y\n")
        assert terminal.wait() == 0
    finally:
        terminal.close()
    (done,) = json.loads((cli.project / "out.json").read_text("utf-8"))["processes"]
    assert (done["name"], done["stopped"]) == ("left", True)


def test_what_nobody_was_asked_about_is_not_stopped(cli: Cli) -> None:
    params: PruneProcessesParams = {"stale": True, "unused_for": "1h", "dry_run": False}
    with Client(home=cli.home.path, working_directory=str(cli.project)) as client:
        assert prune._agreed(client, params)
    assert params == {"dry_run": False}, "what looks left behind only now goes on"


def test_pruning_with_yes_asks_nobody(cli: Cli) -> None:
    (cli.project / "gone").mkdir()
    pid = started(cli, "--name", "web", "--cwd", str(cli.project / "gone"), "--", *SLEEPER)
    shutil.rmtree(cli.project / "gone")
    reply = cli.json("prune", "--json", "--stale", "--all", "--yes")
    processes = reply["processes"]
    assert isinstance(processes, list)
    assert [(each["name"], each["stopped"], each["removed"]) for each in processes] == [("web", True, True)]
    assert not is_alive(pid)
    assert cli("prune", "--unused-for", "1h", check=2).stderr.startswith("persistproc: --unused-for says")
    assert cli("prune", "--yes", check=2).stderr.startswith("persistproc: --yes answers what --stale asks")
