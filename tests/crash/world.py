"""One home with its processes, and what must be true of it whatever has just died."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from persistproc_core.client import Client
from persistproc_core.errors import DaemonUnavailable, PersistprocError
from persistproc_core.paths import Home
from persistproc_core.protocol import ProcessInfo, StatusReply
from tests.crash import evidence
from tests.crash.figures import Figures
from tests.kit import wait_gone

__all__ = ["World", "facts", "said"]

_PATIENCE = 20.0
_AGREES_WITHIN = 5.0
_LOOK_SECONDS = 0.005


def said(name: str) -> list[str]:
    """A command that says one line on each stream and sleeps."""
    return ["sh", "-c", f"echo out {name}; echo err {name} >&2; exec sleep 1000"]


def facts(info: StatusReply) -> str:
    """What a finding tells of a process."""
    names = ("name", "run_id", "state", "pid", "exit_code", "signal", "reason", "restart", "restarts", "restart_at")
    former = [(run["run"], run["state"], run["reason"]) for run in info["history"][1:4]]
    return f"{ {name: info[name] for name in names} } before: {former}"  # type: ignore[literal-required]


class World:
    """A home, a client, and some processes that nothing may happen to."""

    def __init__(self, home: Home, figures: Figures, bystanders: int) -> None:
        self.home = home
        self.figures = figures
        self.point = ""
        """Where the present point is, for what is found there."""
        self.role = ""
        """Which process dies there: daemon, keeper, holder, child."""
        self.client = Client(home=home.path, name="crash", working_directory="/", timeout=_PATIENCE)
        self.bystanders: dict[str, int] = {}
        for number in range(bystanders):
            reply = self.start(f"b{number}", ["sleep", f"{2000 + number}"])
            assert reply["pid"] is not None
            self.bystanders[reply["run_id"]] = reply["pid"]

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    # --- acting -------------------------------------------------------------------------------------------------------

    def start(self, name: str, command: list[str] | str, **options: object) -> ProcessInfo:
        """Start it, or join it."""
        asked = {"command": command, "name": name, "working_directory": "/", "environment": dict(os.environ), **options}
        reply: ProcessInfo = self.client.call("start_process", asked)  # type: ignore[assignment]
        assert reply["name"] == name, "the same command runs under another name: it was joined"
        return reply

    def status(self, name: str) -> StatusReply:
        """All about it."""
        return self.client.get_process_status(process=name)

    def kill(self, *victims: str) -> None:
        """kill -9 daemon, keeper, or both."""
        status = self.client.get_daemon_status()
        pids = {"daemon": status["pid"], "keeper": status["keeper_pid"]}
        for victim in victims:
            pid = pids[victim]
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        for victim in victims:
            wait_gone(pids[victim] or 0)

    def insist(self, act: Callable[[], object]) -> None:
        """Until a daemon has answered it: whoever was cut off asks again."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                act()
                return
            except DaemonUnavailable:
                if time.monotonic() > deadline:
                    raise

    def until(self, condition: Callable[[], bool], within: float = _AGREES_WITHIN) -> bool:
        """False when it does not come true in time."""
        deadline = time.monotonic() + within
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_SECONDS)
        return True

    def settled(
        self,
        name: str,
        condition: Callable[[StatusReply], bool],
        within: float = _AGREES_WITHIN,
        what: str = "wrong_end",
    ) -> StatusReply | None:
        """The process when it is as it must be; a finding, and None, when it does not come to that in time."""
        last: list[StatusReply] = []

        def true() -> bool:
            last[:] = [self.status(name)]
            return condition(last[0])

        if self.until(true, within):
            return last[0]
        self.find(what, facts(last[0]))
        return None

    def find(self, what: str, text: str) -> None:
        """A promise was broken at this point."""
        self.figures.find(what, f"at {self.point}: {text}")

    # --- looking ------------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Compare what the daemon says with the kernel and the files."""
        self._difference = ""
        if not self.until(self._agrees):
            self.find("lost", self._difference)
        unreadable: list[str] = []

        def readable() -> bool:
            unreadable[:] = evidence.records(self.home)[1]
            return not unreadable

        if not self.until(readable):
            self.find("unreadable", f"the records of {unreadable}")

    def _agrees(self) -> bool:
        alive = evidence.alive(self.home)
        self._check_one_of_each({child.run_id for child in alive.values()})
        try:
            processes = self.client.list_processes(all_projects=True)["processes"]
        except PersistprocError as error:
            self._difference = f"list_processes: {error}"
            return False
        listed = {process["run_id"]: process["pid"] for process in processes if process["ended_at"] is None}
        left = {process["run_id"] for process in processes if process["survivors"]}
        ours = {child.run_id for child in alive.values()}
        self._difference = f"alive are {alive}, listed as alive are {listed}"
        if ours - left != listed.keys() or any(pid not in alive for pid in listed.values()):
            return False
        self._difference = f"of {self.bystanders} alive are {alive}"
        return all(alive.get(pid, None) and alive[pid].run_id == run_id for run_id, pid in self.bystanders.items())

    def _check_one_of_each(self, run_ids: set[str]) -> None:
        names = [run_id.partition(".")[0] for run_id in run_ids]
        for name in {name for name in names if names.count(name) > 1}:
            self.find("duplicate", f"of {name} live {sorted(run_ids)}")

    def check_output(self, name: str, run_id: str) -> None:
        """What `said` says must be there, once."""
        folder = Path(self.home.runs, run_id)
        logs = {"out": b"", "err": b""}

        def whole() -> bool:
            for word, stream in (("out", "stdout"), ("err", "stderr")):
                logs[word] = b"".join(path.read_bytes() for path in sorted(folder.glob(f"{stream}-*.log")))
            return all(data == f"{word} {name}\n".encode() for word, data in logs.items())

        if not self.until(whole):
            self.find("output", f"of {run_id}: {logs}")
