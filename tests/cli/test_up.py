"""``persistproc up``, ``down``, ``project`` and ``restart --all`` on real processes."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import socket
import sys
from pathlib import Path
from typing import cast

import pytest

from persistproc_cli.project.allowing import allowed
from tests.cli.support import CLI, Cli, Terminal
from tests.cli.tmux import tmux
from tests.kit import program

FILE = "persistproc.toml"


def command(name: str, *arguments: object) -> str:
    return json.dumps(program(name, *arguments))


def table(name: str, runs: str, *more: str) -> str:
    return "\n".join([f"[processes.{name}]", f"command = {runs}", *more, ""])


DB = table("db", command("sleeper", "db"), 'ready = { output = "^ready" }', 'tags = ["back"]')
MIGRATE = table("migrate", command("exit_n", 0), 'needs = ["db"]', 'ready = "completed"')
WEB = table("web", command("http_server", "{port}"), 'port = "auto"', 'needs = { migrate = "completed" }')
EXTRA = table("extra", command("sleeper", "extra"), 'ready = { output = "^ready" }', "optional = true")


@pytest.fixture
def shop(cli: Cli) -> Cli:
    """A project with a file."""
    write(cli, DB, MIGRATE, WEB, EXTRA)
    return cli


def write(cli: Cli, *tables: str) -> None:
    (cli.project / FILE).write_text("\n".join(tables), "utf-8")


def states(cli: Cli) -> dict[str, object]:
    return {str(process["name"]): process["state"] for process in cli.processes()}


def results(document: dict[str, object]) -> dict[str, dict[str, object]]:
    return {str(each["name"]): each for each in cast("list[dict[str, object]]", document["results"])}


def without_numbers(text: str) -> list[str]:
    """What was said, without pids, ports and times."""
    return re.sub(r"\d+(\.\d+)? s|\b\d{3,}\b", "N", text).splitlines()


def test_from_nothing_and_back(shop: Cli) -> None:
    up = shop("up", "--yes", check=0)
    said = without_numbers(up.stdout)

    assert said[:2] == ["migrate waits for db", "web waits for migrate (completed)"]
    order = ["db started", "db ready in", "migrate started", "migrate completed", "web started", "web ready in"]
    assert said[8:] == ["web is at http://localhost:N"]
    assert [next(i for i, line in enumerate(said) if line.startswith(words)) for words in order] == list(range(2, 8))
    assert re.search(r"^web is at http://(localhost|127\.0\.0\.1):\d+/?$", up.stdout, re.M)
    assert re.search(r"^persistproc: shop is up after .* s; ", up.stderr, re.M)
    assert states(shop) == {"db": "running", "migrate": "exited", "web": "running"}

    again = shop("up", check=0)
    told = ["db runs unchanged (pid N)", "migrate has completed before", "web runs unchanged (pid N)"]
    assert without_numbers(again.stdout) == [*told, "web is at http://localhost:N"]
    write(shop, DB.replace("back", "rear"), MIGRATE, WEB)
    assert "db changed while it runs: tags (pid " in shop("up", "--yes", check=0).stdout

    down = shop("down", check=0)
    assert without_numbers(down.stdout) == ["web stopped", "db stopped"]
    assert states(shop) == {"db": "stopped", "migrate": "exited", "web": "stopped"}
    assert "there was nothing to stop" in shop("down", check=0).stderr


def test_it_converges(shop: Cli) -> None:
    shop("up", "--yes", "db", "extra", check=0)
    write(
        shop,
        DB.replace("sleeper.py", "../programs/sleeper.py"),
        EXTRA.replace("extra", "new").replace("optional = true", ""),
    )
    seen = shop("project", check=0)
    left = shop("up", "--yes", check=0)
    gone = results(shop.json("up", "--remove", "--json"))

    assert re.search(r"^running\S* .*db .* restarts ", seen.stdout, re.M)
    assert "db has changed: command: " in seen.stderr
    assert "extra was started from the file and is no longer in it" in seen.stderr
    assert re.search(r"^db restarted \(pid \d+\): .*command", left.stdout, re.M)
    assert re.search(r"^new started \(pid \d+\)$", left.stdout, re.M)
    assert "extra is no longer in the file, and was left alone; --remove stops and forgets it" in left.stderr
    assert {name: each["outcome"] for name, each in gone.items()} == {
        "db": "unchanged",
        "new": "unchanged",
        "extra": "removed",
    }
    assert "extra" not in states(shop)


def test_one_that_fails(shop: Cli) -> None:
    write(shop, DB, MIGRATE.replace(command("exit_n", 0), json.dumps(["sh", "-c", "echo no such table; exit 3"])), WEB)
    failed = shop("up", "--yes", check=1)
    document = json.loads(shop("up", "--json", check=1).stdout)

    said = failed.stderr.splitlines()
    assert [line for line in said if line.startswith("persistproc: migrate failed: ")]
    assert "  no such table" in said
    assert [line for line in said if line.startswith("persistproc: web was not started: ")]
    assert re.match(r"persistproc: shop is not up after .* s: migrate, web; the others run on", said[-1])
    assert "web started" not in failed.stdout
    assert document["ready"] is False
    outcomes = {name: each["outcome"] for name, each in results(document).items()}
    assert outcomes == {"db": "unchanged", "migrate": "failed", "web": "not_started"}
    assert results(document)["migrate"]["last_lines"] == ["no such table"]


def test_what_never_becomes_ready(shop: Cli) -> None:
    write(shop, DB.replace("^ready", "^never"), WEB.replace('migrate = "completed"', 'db = "ready"'))
    late = shop("up", "--yes", "--timeout", "0.3s", check=1)

    assert "persistproc: db failed: " in late.stderr
    assert "persistproc: web was not started: the time was up: db was not ready yet\n" in late.stderr
    assert re.search(r": not ready after \d\.\d s", late.stderr)
    shop.said("db", "^ready")
    at_once = shop("up", "--timeout", "0", check=1)
    assert "  ready" in at_once.stderr.splitlines()
    assert "persistproc: web was not started: the time was up: db was not ready yet\n" in at_once.stderr
    assert late.stderr.rstrip().endswith(" s: db, web; db runs on")
    assert states(shop) == {"db": "running"}


def test_nobody_is_there_to_ask(shop: Cli) -> None:
    refused = shop("up", check=77)
    document = json.loads(shop("up", "--json", check=77).stderr)["error"]

    assert refused.stdout == ""
    assert "was never allowed to run here, and nobody is there to ask; nothing was done" in refused.stderr
    assert "persistproc up" in refused.stderr
    assert document["code"] == "project_not_approved"
    assert document["digest"] == shop.json("project", "--json")["digest"]
    assert "was never allowed to run here; persistproc up shows it and asks" in shop("project", check=0).stderr
    assert states(shop) == {}


def test_a_person_is_asked(shop: Cli) -> None:
    write(
        shop,
        'environment = { COLOUR = "blue\\u001b[2J" }',
        'env_files = [{ path = ".env", required = false }]',
        DB.replace('output = "^ready"', 'command = ["true", "a b"]'),
        EXTRA,
    )
    with shop.terminal("up") as terminal:
        shown = terminal.wait_for(r"let it run, and bring it up\? \[y/N\] ")
        terminal.type("no\r")
        assert terminal.wait() == 1
    assert b"nothing was started" in terminal.output
    assert states(shop) == {}
    for text in (f"db: {shlex.join(program('sleeper', 'db'))}", "extra: ", ".env", r"COLOUR=blue\x1b[2J", "true 'a b'"):
        assert text in shown
    assert "\x1b[2J" not in shown

    with shop.terminal("up") as terminal:
        terminal.wait_for(r"\[y/N\] ")
        write(shop, EXTRA.replace("optional = true", ""))
        terminal.type("y\r")
        # What was allowed is not what it would run now.
        assert "  extra: " in terminal.wait_for(r"\[y/N\] ")
        terminal.type("y\r")
        assert terminal.wait() == 0
    assert states(shop) == {"extra": "running"}
    shop("up", check=0)
    write(shop, DB)
    assert "has changed since it was allowed to run, and nobody is there to ask" in shop("up", check=77).stderr


def test_after_a_change_a_person_sees_what_has_changed(shop: Cli) -> None:
    shop("up", "--yes", "--no-wait", "db", check=0)
    told = 'environment = { DATABASE = "localhost:{ports.web}" }'
    write(shop, DB, MIGRATE + 'tags = ["once"]\n', WEB, EXTRA, EXTRA.replace("extra", "more") + told)
    with shop.terminal("up") as terminal:
        shown = terminal.wait_for(r"\[y/N\] ").replace("\r", "")
        terminal.type("no\r")
        assert terminal.wait() == 1
    processes = cast("list[dict[str, dict[str, int]]]", shop.json("project", "web", "--json")["processes"])
    (port,) = processes[0]["ports"].values()

    marked = re.findall(r"^  (\S+ \(\w+\)): ", shown, re.M)
    assert marked == ["migrate (changed)", "more (new)"]
    assert "\n  unchanged: db, web, extra\n" in shown
    assert f"with DATABASE=localhost:{port}\n" in shown


def test_what_could_not_be_shown_is_said(shop: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is another one by now, so nothing but the commands is known of the one that is asked about."""
    project = shop.hub.get_project(working_directory=str(shop.project))
    write(shop, DB)
    master, slave = pty.openpty()
    with open(slave, encoding="utf-8") as typed, open(os.dup(slave), "w", encoding="utf-8") as screen:
        monkeypatch.setattr(sys, "stdin", typed)
        monkeypatch.setattr(sys, "stderr", screen)
        os.write(master, b"n\n")
        assert not allowed(project, yes=False)
        shown = ""
        while "[y/N]" not in shown:  # a terminal gives it in pieces
            shown += os.read(master, 65536).decode()
        monkeypatch.undo()
    os.close(master)
    assert "variables and checks of" in shown
    assert "could not be shown: read it before you allow it" in shown


def test_what_left_the_file_is_offered_for_removal(shop: Cli) -> None:
    shop("up", "--yes", "db", "extra", check=0)
    write(shop, EXTRA)
    for answer, left in (("n", {"db", "extra"}), ("y", {"extra"})):
        with shop.terminal("up", "--yes") as terminal:
            terminal.wait_for(r"db is no longer in the file; stop and forget it\? \[y/N\] ")
            terminal.type(f"{answer}\r")
            assert terminal.wait() == 0
        assert set(states(shop)) == left
        assert b"no longer in the file, and" not in terminal.output, "it was asked about"
    shop("up", "extra", check=0)
    write(shop, DB)
    shop("stop", "extra", check=0)
    assert "no longer in the file" not in shop("up", "--yes", check=0).stderr
    with shop.terminal("up") as terminal:
        assert terminal.wait() == 0
    assert b"no longer in the file" not in terminal.output


def test_one_that_was_never_started_is_not_unknown(shop: Cli) -> None:
    shop.began("by-hand", *program("sleeper", "by hand"))
    for verb in (["url"], ["port"], ["logs"], ["logs", "-f"], ["status"], ["stop"]):
        told = shop(*verb, "extra", check=3).stderr
        assert re.search(rf"\(extra is in \S*{FILE} and was never started: persistproc up extra\)$", told, re.M), told
    assert "never started" not in shop("status", "extra-2", check=3).stderr


def test_project_on_a_narrow_terminal(shop: Cli) -> None:
    assert shop("project", "--schema", "web", check=2).stdout == ""
    for columns, titles in ((200, "PORTS NEEDS UP COMMAND"), (40, "PORTS UP"), (30, "UP")):
        sized = ["/bin/sh", "-c", f'stty columns {columns}; exec "$@"', "sh", *CLI, "project"]
        terminal = Terminal(sized, shop.project, shop.variables({"TERM": "xterm-256color"}))
        seen = re.sub(r"\x1b\[\d*m", "", terminal.wait_for("was never allowed"))
        assert terminal.wait() == 0
        terminal.close()
        assert next(line.split() for line in seen.splitlines() if "STATE" in line) == ["STATE", "NAME", *titles.split()]
        assert " by name" in seen


def test_a_script_that_cannot_be_executed(shop: Cli) -> None:
    (shop.project / "run.sh").write_text("#!/bin/sh\n", "utf-8")
    write(shop, table("web", '"./run.sh"'))
    refused = shop("up", "--yes", check=78).stderr
    assert f" {shop.project.resolve()}/run.sh is not executable" in refused


def test_names_are_looked_at_first(shop: Cli) -> None:
    unknown = shop("up", "wbe", check=3)
    assert unknown.stderr.endswith("no tag 'wbe' (did you mean web?)\n")
    told = shop("project", "nothing-like-it", check=3).stderr
    assert told.endswith("(it has db, migrate, web, extra, and the tags back)\n")
    shop("down", "wbe", check=3)
    assert shop("up", "--wait", "--no-wait", check=2).stdout == ""
    assert shop("down", "web", "--all", check=2).stdout == ""
    shop("up", "--yes", "--no-wait", "back", check=0)
    assert states(shop) == {"db": "running"}


def test_no_file_and_a_wrong_one(cli: Cli) -> None:
    assert "persistproc init" in cli("up", check=3).stderr
    write(cli, DB.replace("tags", "tgas"), MIGRATE.replace("needs", "nedes"))
    wrong = cli("up", "--yes", check=78)

    assert re.search(rf"{FILE}, line \d+: .*tgas.*did you mean tags", wrong.stderr)
    assert re.search(r"^  line \d+: .*nedes.*did you mean needs", wrong.stderr, re.M)
    assert wrong.stderr.count("tgas") == 1
    nearby = cli("up", "--yes", check=78, env={"HOME": str(cli.project.resolve())}).stderr
    assert nearby.startswith(f"persistproc: ~/{FILE}, line ")
    assert json.loads(cli("project", "--json", check=78).stderr)["error"]["code"] == "project_invalid"


def test_what_somebody_else_protects_is_left_as_it_was(cli: Cli) -> None:
    write(cli, DB)
    cli("up", "--yes", check=0)
    cli.hub.protect_process(process="db")
    write(cli, DB.replace('"db"', '"new"'))
    up = cli("up", "--yes", check=1)
    assert re.search(r"^db left as it was \(pid \d+\)$", up.stdout, re.M)
    assert re.search(
        r"^persistproc: db is not as the file says: left as it was \(command: .*protected by.*--force and --reason",
        up.stderr,
        re.M,
    )
    assert up.stderr.splitlines()[-1] == "persistproc: shop is not as its file says: db"
    cli.hub.protect_process(process="db", protected=False)


def test_down_stops_what_is_named(shop: Cli) -> None:
    shop.began("by-hand", *program("sleeper", "by hand"))
    shop("up", "--yes", check=0)
    assert list(results(shop.json("down", "web", "--json"))) == ["web"]
    shop("down", check=0)
    assert states(shop)["by-hand"] == "running"
    shop.hub.protect_process(process="by-hand")
    refused = shop("down", "--all", check=1)
    assert re.search(r"^persistproc: by-hand was not stopped: .*protected.* --force and --reason", refused.stderr, re.M)
    shop.hub.protect_process(process="by-hand", protected=False)
    shop("down", "--all", "--reason", "the end", check=0)
    assert states(shop)["by-hand"] == "stopped"
    assert "the end" in shop("status", "by-hand", check=0).stdout


def test_everything_again_in_order(shop: Cli) -> None:
    write(shop, DB, MIGRATE, WEB.replace("{ migrate", '{ db = "ready", migrate'))
    shop.began("by-hand", *program("sleeper", "by hand"))
    shop("up", "--yes", check=0)
    replies = {str(each["name"]): each for each in shop.processes("restart", "--all", "--json")}

    assert sorted(replies) == ["by-hand", "db", "web"]
    assert {each["run"] for each in replies.values()} == {2}
    assert str(replies["db"]["ready_at"]) <= str(replies["web"]["started_at"])
    assert states(shop)["migrate"] == "exited"


def test_a_port_is_taken(shop: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        write(shop, DB, table("web", command("http_server", port), f"port = {port}"))
        refused = shop("up", "--yes", check=1)
        with shop.terminal("up") as terminal:
            seen = terminal.wait_for(f"{port} is ")
            assert terminal.wait() == 1

    assert refused.stdout == ""
    assert re.search(rf"{FILE}, line 8: web: .*{port}.* port = \"auto\" in the file", refused.stderr)
    assert "is about to start" not in seen.rpartition("\x1b[2K")[2], "what is not about to start is left on the screen"
    assert states(shop) == {}


def held(cli: Cli, folder: Path) -> Path:
    """Write a file whose migration goes on until there is the file that is returned."""
    go = folder / "go"
    waits = json.dumps(["sh", "-c", f"until [ -e {shlex.quote(str(go))} ]; do sleep 0.02; done"])
    write(cli, DB, MIGRATE.replace(command("exit_n", 0), waits), WEB)
    return go


def test_leaving_while_it_comes_up(shop: Cli, tmp_path: Path) -> None:
    go = held(shop, tmp_path)
    call = shop.start("up", "--yes")
    assert call.stdout is not None
    assert call.stderr is not None
    while b"migrate started" not in call.stdout.readline():
        pass
    call.send_signal(signal.SIGINT)
    assert call.wait(10) == 130
    assert b"what was started runs on" in call.stderr.read()
    call.stdout.close()
    call.stderr.close()
    go.touch()
    shop.hub.wait_for_process(process="migrate", exit=True)
    # Else it would be started by the same turn of the daemon that saw the end.
    assert states(shop) == {"db": "running", "migrate": "exited"}
    shop("up", check=0)
    assert states(shop)["web"] == "running"


def test_the_daemon_is_killed_meanwhile(shop: Cli, tmp_path: Path) -> None:
    go = held(shop, tmp_path)
    call = shop.start("up", "--yes")
    assert call.stdout is not None
    assert call.stderr is not None
    while b"migrate started" not in call.stdout.readline():
        pass
    os.kill(shop.hub.hello["pid"], signal.SIGKILL)
    go.touch()
    said = call.stdout.read()
    assert call.wait(10) == 0, call.stderr.read()
    call.stdout.close()
    call.stderr.close()
    assert b"web started" in said


def test_what_a_person_sees(shop: Cli, tmp_path: Path) -> None:
    go = held(shop, tmp_path)
    with tmux(shop, tmp_path) as pane:
        pane.enter("persistproc up --yes")
        # The last line as well: all three are drawn anew each time, one below the other.
        seen = pane.wait_for(" s\n·  web      waits for migrate (completed)")
        go.touch()
        end = pane.wait_for("shop is up after")
        pane.check_terminal()
        pane.enter("persistproc down")
        down = pane.wait_for("web  stopped")
        go.unlink()
        pane.enter("clear; persistproc up")
        pane.wait_for("migrate  starting, ")
        pane.press("C-c")
        left = pane.wait_for("what was started runs on")

    lines = seen.splitlines()[-3:]
    assert re.match(r"✓  db       ready in .* s: ", lines[0])
    assert re.match(r".  migrate  starting, \d s$", lines[1])
    assert lines[2] == "·  web      waits for migrate (completed)"
    assert re.search(r"^✓  migrate  completed in .* s$", end, re.M)
    assert re.search(r"^✓  web      http://\S+  ready in .* s: ", end, re.M)
    assert "db" in down
    assert left.count("✓  db ") == 1, "what is echoed for Ctrl-C moved the lines, and they are there twice"
