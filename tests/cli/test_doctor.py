"""``persistproc doctor``: each edge is provoked, and named with its mend."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from persistproc_cli.checks import KINDS, findings
from persistproc_cli.checks.descriptors import descriptors, inotify, pipes, soft_limit
from persistproc_cli.checks.disk import judge
from persistproc_cli.checks.finding import Finding
from persistproc_cli.checks.home import file_system
from persistproc_cli.checks.installation import installation, user
from persistproc_cli.checks.keeper import keeper
from persistproc_cli.checks.logind import kills_at_logout, logind_settings
from persistproc_cli.checks.look import Look
from persistproc_cli.checks.machine import clock, logout, newest_event, orphans, tracing
from persistproc_cli.checks.processes import Seen, parse_stat
from persistproc_cli.checks.records import records
from persistproc_cli.checks.service import service
from persistproc_cli.context import Context
from persistproc_cli.locks import holder
from persistproc_core import __version__
from persistproc_core.daemon.record import _FORMAT as RECORD_FORMAT
from persistproc_core.mounts import mount_of
from persistproc_core.paths import Home
from tests.cli.support import Cli
from tests.cli.test_service import FAILED, NOTHING, RUNNING, Machine
from tests.client.line_server import Peer, line_server
from tests.daemon.hub import Hub
from tests.kit import Daemon, eventually, program, wait_gone
from tests.meta.sources import ROOT


def found(home: Home) -> dict[str, Finding]:
    """What doctor finds, by id; what is well has the name of its check.

    Up to the machine's part: that one waits for zombies of other programs as well.
    """
    context = Context()
    context.home_path = home.path
    own = itertools.takewhile(lambda each: each.check != "clock", findings(context))
    return {each.check if each.level == "ok" else each.id: each for each in own}


def one(*found: Finding) -> str:
    """The id of the only finding that is not ok; ``ok`` when there is none."""
    bad = [each.id for each in found if each.level != "ok"]
    assert len(bad) < 2
    return bad[0] if bad else "ok"


def test_each_kind_is_said_once_and_tested() -> None:
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))

    assert len({kind.id for kind in KINDS}) == len(KINDS)
    assert [kind.id for kind in KINDS if f'"{kind.id}"' not in tests] == []
    assert {kind.level for kind in KINDS} == {"warning", "problem"}
    assert all(kind.mend and kind.meaning.endswith(".") for kind in KINDS)


def test_all_is_well(cli: Cli) -> None:
    cli.began("web", *program("sleeper"))
    shown = cli("doctor", check=0).stdout
    document = cli.json("doctor", "--json")

    assert "problem" not in shown
    assert document["ok"] is True
    told = {each["check"]: each for each in document["findings"]}  # type: ignore[attr-defined]
    assert told.keys() >= {"python", "packages", "user", "home", "socket path", "disk", "daemon", "keeper", "records"}
    assert set(told["daemon"]) == {"check", "id", "level", "text", "mend"}
    assert told["keeper"]["level"] == told["holder"]["level"] == "ok"


# --- the installation and the user --------------------------------------------------------------------------------


def test_an_installation_that_is_not_whole() -> None:
    assert one(*installation((3, 9, 18))) == "python-old"
    assert one(*installation(needed=("os", "no_such_package"))) == "package-missing"


def test_who_runs_it(tmp_path: Path) -> None:
    me, home = os.geteuid(), {"HOME": str(tmp_path)}
    assert one(user({**home, "SUDO_USER": "ann"}, 0, 0)) == "user-sudo"
    assert one(user(home, me, me + 1)) == "user-home-of-another"
    assert one(user({}, me, None)) == "user-home-unset"
    assert one(user({"PERSISTPROC_HOME": "/tmp/pp"}, me, None)) == "ok"
    assert one(user(home, me, me)) == "ok"


def test_nobody_knows_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "")
    assert [each.id for each in findings(Context()) if each.level == "problem"] == ["home-unknown"]


# --- the home -----------------------------------------------------------------------------------------------------


def test_an_unsafe_home(home: Home, tmp_path: Path) -> None:
    os.chmod(home.path, 0o777)
    assert found(home)["home-writable"].mend == f"run: chmod 700 {home.path}"
    os.chmod(home.path, 0o700)
    (tmp_path / "link").symlink_to(home.path)
    assert home.path in found(Home(str(tmp_path / "link")))["home-symlink"].mend
    (tmp_path / "file").touch()
    assert "home-no-folder" in found(Home(str(tmp_path / "file")))
    assert "home-unusable" in found(Home(str(tmp_path / "file" / "below")))
    assert "home-unusable" in found(Home("/proc/x"))
    os.mkdir(home.runs, 0o700)
    os.chmod(home.runs, 0o770)
    assert home.runs in found(home)["home-writable"].text


def test_a_foreign_home(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, 1, 1)
        foreign = tmp_path
    else:
        foreign = Path("/usr")
    assert found(Home(str(foreign)))["home-foreign"].mend == f"run: sudo chown -R {os.geteuid()} {foreign}"


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
30 22 0:40 / /home rw,relatime shared:2 master:1 - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/ann/local\\040disk rw - xfs /dev/sdb1 rw
40 22 0:50 / /mnt/c rw - 9p C:\\134 rw
41 22 0:51 / /mnt/stick rw - exfat /dev/sdc1 rw
"""


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/home/ann/.persistproc", "home-shared"),
        ("/home/ann/local disk/pp", "ok"),
        ("/homestead", "ok"),
        ("/mnt/c/pp", "home-without-fifos"),
        ("/mnt/stick/pp", "home-without-fifos"),
    ],
)
def test_the_file_system(path: str, said: str) -> None:
    assert one(*file_system(path, MOUNTS)) == said


def test_a_home_of_another_computer(tmp_path: Path) -> None:
    mounts = f"1 0 0:1 / {tmp_path} rw - nfs server:/x rw\n"
    (tmp_path / "host").write_text(json.dumps(["elsewhere", "no-such-machine-id", "no-such-boot"]), "utf-8")
    [finding] = file_system(str(tmp_path), mounts)
    assert finding.id == "home-of-another-computer"
    assert "elsewhere" in finding.text
    boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    (tmp_path / "host").write_text(json.dumps(["container", "", boot]), "utf-8")
    assert one(*file_system(str(tmp_path), mounts)) == "home-shared"
    (tmp_path / "host").write_text("[nonsense", "utf-8")
    assert one(*file_system(str(tmp_path), mounts)) == "home-shared"


def test_mounts_that_are_not_told() -> None:
    assert mount_of("/x", "") is None
    assert mount_of("/x", "nonsense\n") is None
    assert list(file_system("/x", "")) == []


@pytest.mark.parametrize(
    ("free", "files", "read_only", "said"),
    [
        (2**40, 10**6, False, "ok"),
        (2**20, 10**6, False, "disk-full"),
        (2**40, 5, False, "disk-no-files"),
        (0, 0, True, "disk-read-only"),
    ],
)
def test_the_disk(free: int, files: int, read_only: bool, said: str) -> None:
    assert one(judge("/x", free, files, limited=True, read_only=read_only)) == said


def test_a_disk_without_a_number_of_files() -> None:
    assert one(judge("/x", 2**40, 0, limited=False, read_only=False)) == "ok"


# --- the daemon ---------------------------------------------------------------------------------------------------


STATUS = {
    "pid": os.getpid(),
    "version": __version__,
    "protocol": 1,
    "instance": "x",
    "home": "/",
    "socket": "/sock",
    "started_at": "2026-01-01T00:00:00.000Z",
    "keeper_pid": None,
    "processes": 0,
    "running": 0,
    "memory_bytes": 0,
    "keeper_memory_bytes": None,
    "connections": 1,
    "output_bytes": 0,
    "output_limit_bytes": 1,
    "config": "/config.toml",
    "config_problems": [],
}


def told(**status: object) -> Callable[[Peer], None]:
    """A daemon that says this about itself."""

    def script(peer: Peer) -> None:
        peer.greet()
        while True:
            request = peer.request()
            peer.reply(request, {"processes": []} if "list" in request["method"] else {**STATUS, **status})

    return script


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"version": "0.0.1"}, "daemon-older"),
        ({"version": "99.10"}, "daemon-newer"),
        ({}, "daemon-lock-deleted"),
        ({}, "keeper-absent"),
        ({"config_problems": ["nonsense"]}, "config-problem"),
    ],
)
def test_what_the_daemon_tells(home: Home, status: dict[str, object], said: str) -> None:
    Path(home.lock).touch()
    with line_server(home.socket, told(**status)):
        assert said in found(home)


def refusing(peer: Peer) -> None:
    peer.greet()
    while True:
        request = peer.request()
        error = {"code": -32603, "message": "defect 4711", "data": {"error": "internal_error"}}
        peer.send({"jsonrpc": "2.0", "id": request["id"], "error": error})


def test_daemons_that_do_not_serve(home: Home) -> None:
    with line_server(home.socket, lambda peer: peer.greet(protocol=99, oldest_protocol=98)):
        assert "upgrade the client" in found(home)["daemon-protocol"].text
    os.unlink(home.socket)
    with line_server(home.socket, refusing):
        assert "defect 4711" in found(home)["daemon-error"].text
    os.unlink(home.socket)
    with open(home.lock, "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert str(os.getpid()) in found(home)["daemon-socket-deleted"].text
        with line_server(home.socket, lambda peer: peer.send("no hello")):
            assert f"kill {os.getpid()}" in found(home)["daemon-silent"].mend


def _is_stopped(pid: int) -> bool:
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


def test_what_is_stopped(cli: Cli) -> None:
    cli.began("web", "sleep", "1000")
    status = cli.hub.get_daemon_status()
    twin = int(found(cli.home)["holder"].text.split()[-1])
    for pid, said in (
        (status["pid"], "daemon-stopped"),
        (status["keeper_pid"], "keeper-stopped"),
        (twin, "holder-stopped"),
    ):
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            eventually(partial(_is_stopped, pid), what="the signal has come")
            assert found(cli.home)[said].mend == f"run: kill -CONT {pid}"
        finally:
            os.kill(pid, signal.SIGCONT)
    assert "daemon" in found(cli.home)


def test_descriptors_that_run_out(cli: Cli) -> None:
    pid = cli.hub.hello["pid"]
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (16, before[1]))
    try:
        assert "of 16" in found(cli.home)["descriptors-few"].text
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def test_a_daemon_that_was_replaced_has_its_lock(own: Hub) -> None:
    # In /proc/locks a lock is that of who took it, and that one has ended.
    replaced = own.connection.call("replace_daemon")
    own.forget_connections()
    wait_gone(replaced["previous_pid"])
    own.daemon.pid = replaced["pid"]
    assert f"pid {own.daemon.pid}" in found(own.daemon.home)["daemon"].text
    assert holder(own.daemon.home.lock) == own.daemon.pid


def test_a_python_that_was_replaced(home: Home, tmp_path: Path) -> None:
    from shutil import copy
    from subprocess import Popen

    program = tmp_path / "python"
    copy("/bin/sleep", program)
    with Popen([program, "1000"]) as process:
        program.unlink()
        with open(home.lock, "wb") as lock, line_server(home.socket, told(pid=process.pid)):
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert "daemon-program-deleted" in found(home)
        process.kill()


class OneLook(Look):
    """A look at processes that are given."""

    def __init__(self, home: Home, processes: list[Seen]) -> None:
        super().__init__(Context(), home)
        self.processes = processes
        self.lock_holder = 0
        self.status = None


def test_a_keeper_without_its_twin(home: Home) -> None:
    os.mkdir(home.keeper)
    path = os.path.join(home.keeper, "lock")
    with open(path, "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        alone = [Seen(os.getpid(), 1, "S", ["python", home.keeper_socket])]
        assert one(*keeper(OneLook(home, alone))) == "holder-absent"
        zombie = Seen(7, os.getpid(), "Z", [home.keeper_socket])
        assert one(*keeper(OneLook(home, [*alone, zombie]))) == "holder-absent"
        assert [each.check for each in descriptors(OneLook(home, alone))] == ["descriptors"]


def test_a_keeper_that_stays_old(home: Home) -> None:
    os.mkdir(home.keeper)
    with open(os.path.join(home.keeper, "lock"), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        us, log = os.getpid(), Path(home.log)
        look = OneLook(home, [Seen(us, 1, "S", [home.keeper_socket]), Seen(7, us, "S", [home.keeper_socket])])
        assert one(*keeper(look)) == "ok"
        refused = f'2026-01-01T00:00:00.000Z warning keeper.not_upgraded pid={us} error="exit status 1"\n'
        log.write_text(refused + "x\n", "utf-8")
        assert one(*keeper(look)) == "keeper-older"
        log.write_text(f"{refused}2026-01-01T00:00:00.000Z info keeper.upgraded pid={us} wire=2\n", "utf-8")
        assert one(*keeper(look)) == "ok"


# --- limits -------------------------------------------------------------------------------------------------------


def test_pipes_and_inotify() -> None:
    assert one(pipes(500, "16384\n", root=False)) == "pipes-few"
    assert one(pipes(500, "16384\n", root=True)) == "ok"
    assert one(pipes(500, "0\n", root=False)) == "ok"
    assert one(pipes(5, "", root=False)) == "ok"
    assert one(inotify(128, "128\n")) == "inotify-none"
    assert one(inotify(5, "128\n")) == "ok"
    assert one(inotify(5, "")) == "ok"
    assert soft_limit("Limit   Soft\nMax open files            1024    4096   files\n") == 1024
    assert soft_limit("Max open files            unlimited  unlimited  files\n") is None


# --- records ------------------------------------------------------------------------------------------------------


def test_records(home: Home) -> None:
    runs = Path(home.runs)
    for name, file, text in (
        ("web.1.0000aaaa", "record.json", f'{{"format": {RECORD_FORMAT}, "name": "web"}}'),
        ("web.2.0000aaaa", "record.unreadable", "{"),
        ("web.3.0000aaaa", "record.json", f'{{"format": {RECORD_FORMAT + 1}, "name": "web"}}'),
        ("web.4.0000aaaa", "record.json", "\0"),
    ):
        (runs / name).mkdir(parents=True)
        (runs / name / file).write_text(text, "utf-8")
    told = {each.id: each for each in records(home.runs)}
    assert set(told) == {"records-set-aside", "records-newer"}
    assert str(runs / "web.2.0000aaaa" / "record.unreadable") in told["records-set-aside"].text
    assert "web.3.0000aaaa" in told["records-newer"].text
    assert one(*records(str(runs / "nowhere"))) == "ok"
    assert one(*records(str(runs / "web.1.0000aaaa" / "record.json"))) == "records-unreadable"


def test_very_many_records(home: Home) -> None:
    for name in ("a", "b", "c"):
        os.makedirs(os.path.join(home.runs, name))
    assert one(*records(home.runs, many=2)) == "records-many"
    assert one(*records(home.runs)) == "ok"


# --- the bridge ---------------------------------------------------------------------------------------------------


@contextmanager
def bridge_that_says(home: Home, text: str) -> Iterator[None]:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + text.encode())

    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(home.bridge_socket)
        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join(20)
    os.unlink(home.bridge_socket)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({}, "bridge-silent"),
        ({"name": "persistproc", "version": "0.0.1"}, "bridge-other-version"),
        ({"name": "persistproc", "version": __version__, "port_problem": "taken"}, "bridge-no-port"),
    ],
)
def test_the_bridge(home: Home, about: dict[str, str], said: str) -> None:
    with bridge_that_says(home, json.dumps(about)):
        assert said in found(home)


# --- processes ----------------------------------------------------------------------------------------------------


def test_what_is_left_behind(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    cli.hub.start_process(command=["sleep", "1000"], name="lost", working_directory=str(tmp_path / "gone"))
    (tmp_path / "gone").rmdir()
    cli.ended("leader", *program("leader_dies"))
    told = found(cli.home)
    assert "lost (" in told["processes-stale"].text
    assert told["processes-surviving"].mend == "run: persistproc stop shop/leader"


# --- the service --------------------------------------------------------------------------------------------------


@pytest.fixture
def own(daemon: Daemon, tmp_path: Path) -> Iterator[Hub]:
    """A daemon of the test's own."""
    (tmp_path / "shop").mkdir()
    hub = Hub(daemon, tmp_path / "shop")
    yield hub
    hub.forget_connections()


@pytest.fixture
def machine(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine whose service manager says what the test wants."""
    (tmp_path / "shop").mkdir()
    machine = Machine(Cli(home, tmp_path / "shop"), tmp_path)
    for name, value in machine.variables.items():
        monkeypatch.setenv(name, value)
    return machine


def test_the_service(machine: Machine) -> None:
    home = machine.cli.home

    def said(daemon: int | None = None, autostart: tuple[str, ...] = ()) -> str:
        return one(*service(home, daemon, list(autostart)))

    assert said() == "ok"
    assert said(autostart=("shop/web",)) == "service-missing"
    machine("install")
    machine.put("state", RUNNING.format(4711))
    assert said(4711, ("shop/web",)) == "ok"
    assert said(4712) == "service-outside"
    machine.put("state", NOTHING)
    assert said() == "service-not-enabled"
    machine.put("state", FAILED)
    assert said() == "service-failed"
    text = machine.unit().read_text("utf-8")
    machine.unit().write_text(text.replace(f"ExecStart={sys.executable}", "ExecStart=/bin/sh"), "utf-8")
    assert said() == "service-other-program"
    machine.unit().write_text(text.replace("ExecStart=", "ExecStart=/nowhere"), "utf-8")
    assert said() == "service-program-missing"
    machine.unit().write_text(text.replace("ExecStart=", 'ExecStart="/nowhere '), "utf-8")
    assert said() == "service-failed", "what it starts cannot be told"
    machine.unit().write_bytes(b"\xff")
    assert said() == "service-unreadable"


def test_a_service_without_a_manager(machine: Machine) -> None:
    """As in a container: what systemd would have to do for it is not advised."""
    home = machine.cli.home
    machine.put("absent")
    assert one(*service(home, None, [])) == "ok"
    for installed, said in ((False, "service-missing"), (True, "service-no-manager")):
        if installed:
            machine("install", check=1)
        (found,) = service(home, 4711, ["shop/web"])
        assert (found.id, found.level) == (said, "warning")
        assert "persistproc daemon start" in found.mend
        assert "install" not in found.mend
        assert "systemctl" not in found.mend


def test_the_service_of_the_bridge_is_mended_as_such(machine: Machine) -> None:
    home = machine.cli.home
    machine("install", "--bridge")
    unit = machine.unit("persistproc-bridge.service")
    text = unit.read_text("utf-8")

    def mend() -> str:
        (found,) = (each for each in service(home, None, []) if unit.name in each.text)
        return found.mend

    machine.put("state", FAILED)
    assert mend() == (
        "see: systemctl --user status persistproc-bridge.service; then run: persistproc service install --bridge"
    )
    machine.put("state", NOTHING)
    assert mend() == "run: persistproc service install --bridge"
    unit.write_text(text.replace("ExecStart=", "ExecStart=/nowhere"), "utf-8")
    assert mend() == "run: persistproc service install --bridge"


def test_a_home_that_no_service_can_be_for(machine: Machine, tmp_path: Path) -> None:
    machine("install")
    machine.put("state", RUNNING.format(4711))
    assert one(*service(Home(str(tmp_path / "\udcff")), None, [])) == "ok"


def test_no_service_manager(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert one(*service(home, None, [])) == "ok"
    assert one(*service(home, None, ["shop/web"])) == "service-missing"


# --- the machine --------------------------------------------------------------------------------------------------


def test_logout(tmp_path: Path) -> None:
    assert kills_at_logout(logind_settings(str(tmp_path)), "ann") is False
    main = tmp_path / "etc" / "systemd" / "logind.conf"
    main.parent.mkdir(parents=True)
    main.write_text("[Login]\n#KillUserProcesses=no\nKillUserProcesses=yes\n", "utf-8")
    settings = logind_settings(str(tmp_path))
    assert kills_at_logout(settings, "ann") is True
    assert kills_at_logout(settings, "root") is False
    for folder, name, text in (
        ("usr/lib/systemd", "50-a.conf", "[Login]\nKillUserProcesses=no\n"),
        ("run/systemd", "60-b.conf", "[Login]\nKillOnlyUsers=ann\n[Other]\nKillOnlyUsers=bob\n"),
        ("etc/systemd", "50-a.conf", "[Login]\nKillUserProcesses=1\n"),
    ):
        (tmp_path / folder / "logind.conf.d").mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "logind.conf.d" / name).write_text(text, "utf-8")
    settings = logind_settings(str(tmp_path))
    assert kills_at_logout(settings, "ann") is True
    assert kills_at_logout(settings, "bob") is False

    session = "0::/user.slice/user-1000.slice/session-3.scope\n"
    service = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/persistproc.service\n"

    def judged(kills: bool, lingers: bool, cgroup: str) -> str:
        return one(logout(kills=kills, lingers=lingers, user="ann", cgroup=cgroup))

    assert judged(True, False, service) == "logout-kills"
    assert judged(True, True, service) == "ok"
    assert judged(True, True, session) == "logout-kills", "linger spares the user's services alone"
    assert judged(False, False, session) == "ok"


def test_orphans() -> None:
    zombie, other, child = Seen(10, 1, "Z", []), Seen(11, 1, "Z", []), Seen(12, 5, "Z", [])
    assert one(orphans([zombie, child], [zombie, child], "pause")) == "orphans-not-reaped"
    assert one(orphans([zombie, child], [other, child], "systemd")) == "ok"
    assert parse_stat(b"10 (a b) ) Z 1 10 10 0\n") == ("Z", 1)
    assert parse_stat(b"") is None


def test_tracing() -> None:
    assert [one(tracing(text)) for text in ("", "0\n", "1\n", "2\n", "3\n")] == [*["ok"] * 3, *["tracing-refused"] * 2]


def test_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert newest_event(str(path)) is None
    path.write_text('{"time": "2026-01-01T00:00:00.000Z"}\n{"time": "2027-01-01T00:00:00.000Z"}\n{"ti', "utf-8")
    newest = newest_event(str(path))
    assert newest == 1798761600.0
    assert "364d" in clock(newest, newest - 364 * 86400).text
    assert one(clock(newest, newest - 364 * 86400)) == "clock-back"
    assert one(clock(newest, newest + 5)) == "ok"
    assert one(clock(None, 0)) == "ok"
