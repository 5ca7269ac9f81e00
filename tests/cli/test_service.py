"""``persistproc service``, with a systemctl and a launchctl of the test's own that note what they are told."""

from __future__ import annotations

import json
import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from persistproc_cli.service.launchd import Launchd
from persistproc_cli.service.launchd_plist import home_of_plist, is_ours
from persistproc_cli.service.program import Program
from persistproc_cli.service.systemd import Systemd, lingers
from persistproc_cli.service.systemd_unit import Unwritable, home_of_unit, quoted, unit_text
from persistproc_core.paths import Home
from tests.cli.support import Cli

# Notes its arguments, and answers what the test has put beside it.
MANAGER = """\
#!/bin/sh
name=${0##*/}
echo "$name $*" >> "$NOTED/calls"
case "$*" in
  *Version*) [ -e "$NOTED/absent" ] && { echo "Failed to connect to bus: No medium found" >&2; exit 1; } ;;
  *LoadState*) cat "$NOTED/state" ;;
  *enable\\ --now*) [ -e "$NOTED/refuses" ] && { echo "Refused." >&2; exit 1; } ;;
  *enable-linger*) [ -e "$NOTED/refuses-linger" ] && { echo "Refused." >&2; exit 1; } ;;
  print*) cat "$NOTED/state" || exit 113 ;;
esac
exit 0
"""
NOTHING = "LoadState=not-found\nActiveState=inactive\nMainPID=0\nUnitFileState=\n"
RUNNING = "LoadState=loaded\nActiveState=active\nMainPID={}\nUnitFileState=enabled\n"
FAILED = "LoadState=loaded\nActiveState=failed\nResult=exit-code\nMainPID=0\nUnitFileState=enabled\n"


class Machine:
    """A user with a home directory of his own, and a service manager that only notes."""

    def __init__(self, cli: Cli, root: Path) -> None:
        self.cli = cli
        self.user_home = root / "user"
        self._noted = root / "noted"
        programs = root / "bin"
        for folder in (self.user_home, self._noted, programs):
            folder.mkdir()
        for name in ("systemctl", "loginctl"):
            (programs / name).write_text(MANAGER, "utf-8")
            (programs / name).chmod(0o755)
        self.variables = {
            "HOME": str(self.user_home),
            "XDG_CONFIG_HOME": "",
            "NOTED": str(self._noted),
            "PATH": f"{programs}:{os.environ['PATH']}",
        }
        self.put("state", NOTHING)

    def put(self, name: str, text: str = "") -> None:
        """What the manager answers, or how it fails."""
        (self._noted / name).write_text(text, "utf-8")

    def unit(self, name: str = "persistproc.service") -> Path:
        """Where a unit lies."""
        return self.user_home / ".config" / "systemd" / "user" / name

    def calls(self) -> list[str]:
        """What the manager was told since the last time, questions apart."""
        path = self._noted / "calls"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line for line in lines if " show " not in line]

    def __call__(self, *words: str, check: int = 0) -> subprocess.CompletedProcess[str]:
        """Run ``persistproc service ...``."""
        return self.cli("service", *words, env=self.variables, check=check)

    def json(self, *words: str, check: int = 0) -> dict[str, Any]:
        """Its document."""
        return cast("dict[str, Any]", json.loads(self(*words, "--json", check=check).stdout))


@pytest.fixture
def machine(home: Home, tmp_path: Path) -> Machine:
    """Without a daemon."""
    (tmp_path / "shop").mkdir()
    return Machine(Cli(home, tmp_path / "shop"), tmp_path)


RELOAD = "systemctl --user daemon-reload"
ENABLE = "systemctl --user enable --now persistproc.service"


def test_install_and_uninstall(machine: Machine) -> None:
    shown = machine("install", "--print").stdout
    assert ENABLE in shown
    assert not machine.unit().exists()
    assert machine.calls() == []

    told = machine("install")
    assert machine.calls() == [RELOAD, ENABLE]
    assert f"wrote {machine.unit()}" in told.stdout
    assert "enable-linger" in told.stderr
    text = machine.unit().read_text("utf-8")
    assert all(line in shown.splitlines() for line in text.splitlines())
    assert f"ExecStart={sys.executable} -m persistproc_core.daemon --take-over\n" in text
    assert f"Environment=PERSISTPROC_HOME={machine.cli.home.path}\n" in text
    assert f"Environment=PATH={machine.variables['PATH']}\n" in text

    before = machine.unit().stat()
    assert machine.json("install")["files"][0]["action"] == "same"
    assert machine.unit().stat() == before
    assert machine.calls() == [RELOAD, ENABLE]

    assert str(machine.unit()) in machine("uninstall", "--print").stdout
    assert machine.unit().exists()
    machine.calls()
    machine("uninstall")
    assert machine.calls() == ["systemctl --user disable --now persistproc.service", RELOAD]
    assert not machine.unit().exists()
    assert "no service" in machine("uninstall").stdout
    assert machine.calls() == []
    assert os.listdir(machine.cli.home.path) == []


def test_our_own_unit_is_brought_up_to_date(machine: Machine) -> None:
    machine("install")
    text = machine.unit().read_text("utf-8")
    machine.unit().write_text(text.replace("RestartSec=1", "RestartSec=7"), "utf-8")
    machine.put("state", RUNNING.format(1))
    machine.calls()
    shown = machine("install").stdout

    assert "-RestartSec=7\n+RestartSec=1\n" in shown
    assert machine.unit().read_text("utf-8") == text
    assert machine.calls()[-1] == "systemctl --user restart persistproc.service"


@pytest.mark.parametrize("text", ["[Service]\nExecStart=/usr/bin/true\n", None], ids=["foreign", "other-home"])
def test_what_is_not_ours_stays(machine: Machine, text: str | None) -> None:
    machine("install")
    if text is None:
        text = machine.unit().read_text("utf-8").replace(machine.cli.home.path, "/elsewhere")
    machine.unit().write_text(text, "utf-8")
    machine.calls()
    for action in ("install", "uninstall"):
        refused = machine(action, check=1)
        assert "~/.config/systemd/user/persistproc.service" in refused.stderr
        assert "--force" in refused.stderr
    assert "+ExecStart=" in machine("install", check=1).stderr or "elsewhere" in text
    assert machine.unit().read_text("utf-8") == text
    assert machine.calls() == []
    status = machine.json("status", check=1)["services"][0]
    assert (status["installed"], status["for_this_home"]) == (True, False)

    machine("install", "--force")
    assert machine.unit().read_text("utf-8") != text


def test_a_masked_service(machine: Machine) -> None:
    machine.unit().parent.mkdir(parents=True)
    machine.unit().symlink_to(os.devnull)

    assert "unmask" in machine("install", "--force", check=1).stderr
    assert machine.json("status", check=1)["services"][0]["installed"] is False


def test_without_a_user_manager(machine: Machine) -> None:
    machine.put("absent")
    told = machine("install", check=1)

    assert machine.calls() == []
    assert machine.unit().exists()
    assert (
        "No medium found): have what starts this machine or container, or your login, run: persistproc daemon start"
        in (told.stderr)
    )
    assert f"after that: {RELOAD} && {ENABLE}" in told.stderr
    assert "linger" not in told.stderr
    assert machine("uninstall").stdout.startswith("removed")
    assert not machine.unit().exists()


def test_a_machine_without_systemd(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    machine.variables["PATH"] = str(tmp_path / "empty")
    for action in ("install", "uninstall", "status"):
        assert "persistproc daemon start" in machine(action, check=1).stderr
    assert not machine.unit().exists()


def test_a_manager_that_refuses(machine: Machine) -> None:
    machine.put("refuses")
    assert "Refused." in machine("install", check=1).stderr
    machine.put("state", FAILED)
    assert machine.json("status", check=1)["services"][0]["problem"] == "it has failed (exit-code)"
    machine.calls()
    machine("install", check=1)
    assert machine.calls() == [RELOAD, "systemctl --user reset-failed persistproc.service", ENABLE]


def test_linger(machine: Machine) -> None:
    assert "\nloginctl enable-linger " in machine("install", "--linger", "--print").stdout
    assert machine.calls() == []
    told = machine.json("install", "--linger")
    user = told["commands"][-1]["command"].split()[-1]

    assert told["commands"][-1]["command"] == f"loginctl enable-linger {user}"
    assert machine.calls()[-1] == f"loginctl enable-linger {user}"


def test_linger_that_is_refused(machine: Machine) -> None:
    machine("install")
    machine.put("refuses-linger")
    told = machine("install", "--linger", check=1)
    assert told.stderr.count("enable-linger") == (1 if os.geteuid() == 0 else 2), "and how to do it as root"
    assert "Refused." in told.stderr
    assert "ran: loginctl" not in told.stdout


def test_the_bridge(machine: Machine) -> None:
    machine("install", "--bridge")
    text = machine.unit("persistproc-bridge.service").read_text("utf-8")
    assert f"ExecStartPre=-{sys.executable} -m persistproc_cli serve --stop\n" in text
    assert f"ExecStart={sys.executable} -m persistproc_mcp\n" in text
    assert machine.calls()[-1] == "systemctl --user enable --now persistproc.service persistproc-bridge.service"

    machine("uninstall", "--bridge")
    assert machine.unit().exists()
    assert not machine.unit("persistproc-bridge.service").exists()


@pytest.mark.parametrize("words", ["", "nonsense", "status --force", "uninstall --linger", "install more"])
def test_usage(machine: Machine, words: str) -> None:
    machine(*words.split(), check=2)
    assert machine.calls() == []


def test_status(cli: Cli, tmp_path: Path) -> None:
    machine = Machine(cli, tmp_path)
    cli.hub.start_process(command=["sleep", "1000"], name="web", autostart=True)
    cli.hub.start_process(command=["sleep", "1000"], name="db")
    assert "install" in machine("status", check=1).stdout
    machine("install")
    machine.put("state", RUNNING.format(4711))
    document = machine.json("status", check=1)
    daemon = cli.hub.hello["pid"]

    assert document["autostart"] == ["shop/web"]
    assert document["daemon_pid"] == daemon
    assert document["services"][0]["pid"] == 4711
    assert f"daemon (pid {daemon}) is not the service's" in machine("status", check=1).stdout
    machine.put("absent")
    told = machine("status", check=1).stdout
    assert "persistproc daemon start" in told
    assert "systemctl --user restart" not in told
    machine.put("state", NOTHING)
    machine("status", check=1)
    machine.put("state", RUNNING.format(daemon))
    assert "is not the service's" not in machine("status").stdout


# --- the files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("/usr/bin/python3", "/usr/bin/python3"),
        ("/home/a b/x", '"/home/a b/x"'),
        ("50%", "50%%"),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("it's", '"it\'s"'),
        ("two\nlines", '"two\\x0alines"'),
        ("caf\u00e9", "caf\u00e9"),
        ("", '""'),
        ("#x", '"#x"'),
    ],
)
def test_quoting(word: str, text: str) -> None:
    assert quoted(word) == text


def test_what_systemd_cannot_take() -> None:
    with pytest.raises(Unwritable, match="UTF-8"):
        quoted("caf\udce9")


WORDS = (sys.executable, "-m", "x", "$HOME", 'a"b')
HARD = Program("daemon", "/ho me/50%", WORDS, {"PATH": "/a b:/c%d"}, WORDS)


def test_a_unit_with_hard_words() -> None:
    text = unit_text("persistproc.service", HARD)

    assert f'ExecStart={sys.executable} -m x $$HOME "a\\"b"\n' in text
    assert 'Environment="PATH=/a b:/c%%d"\n' in text
    assert home_of_unit(text) == quoted("/ho me/50%")
    assert Systemd().is_ours(text)


@pytest.mark.parametrize("role", ["daemon", "bridge"])
def test_systemd_understands_the_unit(tmp_path: Path, role: str) -> None:
    program = Program(role, HARD.home, HARD.argv, HARD.variables, HARD.stop)
    text = Systemd().text(program)
    sections = [line for line in text.splitlines() if line.startswith("[")]
    assert sections == ["[Unit]", "[Service]", "[Install]"]
    analyze = shutil.which("systemd-analyze")
    if analyze is not None:
        unit = tmp_path / f"pp-{role}.service"
        unit.write_text(text, "utf-8")
        words = ["--user", "--man=no", "--generators=no", "verify"]
        runtime = {"XDG_RUNTIME_DIR": str(tmp_path), "SYSTEMD_LOG_LEVEL": "warning"}
        done = subprocess.run(
            [analyze, *words, str(unit)],
            env={**os.environ, **runtime},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        # Of our unit; the machine's own ones may have faults.
        assert [line for line in done.stdout.decode().splitlines() if unit.name in line] == []


def test_linger_is_a_file(tmp_path: Path) -> None:
    assert lingers("ann", str(tmp_path)) is False
    (tmp_path / "ann").touch()
    assert lingers("ann", str(tmp_path)) is True


# --- macOS --------------------------------------------------------------------------------------------------------


def test_a_launchd_agent() -> None:
    agent = Launchd().planned(HARD)
    document = plistlib.loads(agent.text.encode())

    assert document["Label"] == agent.name == "persistproc.daemon"
    assert document["ProgramArguments"] == list(HARD.argv)
    assert document["EnvironmentVariables"] == HARD.variables
    assert (document["RunAtLoad"], document["KeepAlive"]) == (True, {"SuccessfulExit": False})
    assert (document["AbandonProcessGroup"], document["WorkingDirectory"]) == (True, "/")
    assert document["StandardErrorPath"].endswith("/Library/Logs/persistproc.daemon.log")
    assert agent.path.endswith("/Library/LaunchAgents/persistproc.daemon.plist")
    assert is_ours(agent.text)
    assert not is_ours(plistlib.dumps(document).decode())
    assert home_of_plist(agent.text) == "/ho me/50%"
    assert home_of_plist("no plist") == ""


def test_what_is_said_to_launchd(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = Path(machine.variables["PATH"].partition(":")[0])
    (programs / "launchctl").write_text(MANAGER, "utf-8")
    (programs / "launchctl").chmod(0o755)
    for name, value in machine.variables.items():
        monkeypatch.setenv(name, value)
    launchd, domain = Launchd(), f"gui/{os.getuid()}"
    machine.put("state", "state = running\n\tpid = 4711\n\tresource coalition = {\n\t\tstate = active\n\t}\n")
    loaded = launchd.state("daemon")
    assert (loaded.enabled, loaded.active, loaded.pid) == (True, True, 4711)
    (Path(machine.variables["NOTED"]) / "state").unlink()
    absent = launchd.state("daemon")
    assert (absent.enabled, absent.active) == (False, False)

    first = launchd.start_commands([], {"daemon": absent})
    assert first == [
        ["launchctl", "enable", f"{domain}/persistproc.daemon"],
        ["launchctl", "bootstrap", domain, launchd.path("daemon")],
    ]
    changed = launchd.start_commands(["daemon"], {"daemon": loaded})
    assert changed == [["launchctl", "bootout", f"{domain}/persistproc.daemon"], *first]
    again = launchd.start_commands([], {"daemon": loaded})
    assert again == [["launchctl", "kickstart", f"{domain}/persistproc.daemon"]]
    assert launchd.stop_commands(["daemon"]) == []
    machine.put("state", "state = running\n")
    assert launchd.stop_commands(["daemon"]) == [["launchctl", "bootout", f"{domain}/persistproc.daemon"]]
