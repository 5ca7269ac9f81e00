"""SIGSTOP of the daemon, the keeper, a client or a child under load, SIGCONT later (suite ``stopped``).

As after the sleep of a laptop: nobody is taken for dead, no end and no event is missed, no deadline strikes for it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from persistproc_core.client import Client
from persistproc_core.errors import PersistprocError
from persistproc_core.paths import Home
from tests.crash import evidence
from tests.crash.figures import Figures
from tests.crash.stage import Order, stage
from tests.crash.world import World, facts
from tests.kit import program, read_line, wait_gone

__all__ = ["PROMISES", "VICTIMS", "run_stopped"]

PROMISES = ("false_death", "missed_exit", "lost_event", "lost_output", "false_deadline", "errors")
VICTIMS = ("daemon", "keeper", "client", "child")

_TREE = Path(__file__).resolve().parent.parent.parent
_PATIENCE = 60.0
_PAUSE = 0.02
_SECONDS, _SHORT_SECONDS = 10.0, 0.4
_ENDS = {"e0": ("exited", 0, None), "e1": ("failed", 3, None), "e2": ("failed", None, "SIGKILL")}
"""Processes that end while the victim stands still, and how."""
_TERM_TAKES = "trap 'echo term; sleep 0.3; exit 0' TERM; echo ready; while :; do sleep 0.05; done"


def run_stopped(order: Order) -> Figures:
    """Each victim ``size`` times, for ten seconds."""
    figures = Figures("stopped", PROMISES)
    real, writer = sys.executable, program("steady_writer", 5)
    with stage(figures, order) as (home, _guard), closing(World(home, figures, 3)) as world:
        scene = _Scene(world, real, writer)
        for _ in range(order.size):
            for victim in VICTIMS[:2] if order.short else VICTIMS:
                scene.world.point = f"{victim} stopped"
                try:
                    scene.play(victim, _SHORT_SECONDS if order.short else _SECONDS)
                except Exception as error:
                    scene.world.find("errors", f"{type(error).__name__}: {error}")
                figures.n += 1
    return figures


class _Scene:
    def __init__(self, world: World, real: str, writer: list[str]) -> None:
        self.world = world
        self._home: Home = world.home
        self._real = real
        self._writer = writer

    def play(self, victim: str, seconds: float) -> None:
        """One victim, once."""
        world = self.world
        out = world.start("out", self._writer, fresh=True)
        for name in _ENDS:
            world.start(name, ["sh", "-c", "read word; exit $word", name], fresh=True)
        world.start("slow", ["sh", "-c", _TERM_TAKES], fresh=True)
        world.client.wait_for_process(process="slow", output="ready")
        copy = Path(self._home.path, "follower.out")
        with self._follower(copy) as follower, self._load():
            status = world.client.get_daemon_status()
            pids = {"daemon": status["pid"], "keeper": status["keeper_pid"], "client": follower, "child": out["pid"]}
            pid = pids[victim]
            assert pid is not None
            stopping = self._stop_behind()
            os.kill(pid, signal.SIGSTOP)
            try:
                self._ends(victim)
                time.sleep(seconds)  # the stillness itself is what is tested
                if victim == "child":
                    self._must_run_still(pid)
            finally:
                os.kill(pid, signal.SIGCONT)
            self._must_have_ended()
            self._must_be_as_before(stopping, out["run_id"])
            self._must_have_been_told(copy)
        self._must_be_whole(copy, out["run_id"])

    @contextmanager
    def _follower(self, copy: Path) -> Iterator[int]:
        command = [self._real, "-m", "tests.crash.follower", self._home.path, "out", str(copy)]
        follower = subprocess.Popen(command, cwd=_TREE, stdout=subprocess.PIPE)
        try:
            assert follower.stdout is not None
            read_line(follower.stdout, 20)
            yield follower.pid
            self.world.client.stop_process(process="out")
            size = sum(path.stat().st_size for path in self._logs("out"))
            self.world.until(lambda: copy.stat().st_size >= size)
        finally:
            follower.kill()
            follower.communicate()

    @contextmanager
    def _load(self) -> Iterator[None]:
        """Two callers who ask and act all the time, and are patient."""
        over = threading.Event()
        errors: list[str] = []

        def ask(number: int) -> None:
            with Client(home=self._home.path, autostart=False, timeout=_PATIENCE, working_directory="/") as client:
                while not over.wait(_PAUSE):
                    try:
                        client.list_processes(all_projects=True)
                        name = f"load{number}"
                        client.start_process(command=["sleep", f"300{number}"], name=name, working_directory="/")
                        client.stop_process(process=name)
                    except PersistprocError as error:
                        errors.append(f"{type(error).__name__}: {error}")
                        return

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join(_PATIENCE)
        for error in errors:
            self.world.find("errors", error)

    def _stop_behind(self) -> threading.Thread:
        """A stop whose grace is over when the daemon goes on, though not when the process ended."""
        told: list[str | None] = []
        self._ended_by = told

        def stop() -> None:
            try:
                told.append(self.world.client.stop_process(process="slow", grace_seconds=0.8)["ended_by"])
            except PersistprocError as error:
                told.append(str(error))

        thread = threading.Thread(target=stop)
        thread.start()
        log = self._logs("slow")[0]
        self.world.until(lambda: b"term" in log.read_bytes())
        return thread

    def _ends(self, victim: str) -> None:
        """End them behind the daemon's back: it stands still, so nobody could ask it to."""
        for pid, child in evidence.alive(self._home).items():
            end = _ENDS.get(child.run_id.partition(".")[0])
            if end is None:
                continue
            if end[1] is None:
                os.kill(pid, signal.SIGKILL)
            else:
                Path(f"/proc/{pid}/fd/0").write_bytes(b"%d\n" % end[1])
            if victim != "keeper":
                wait_gone(pid)

    def _must_run_still(self, pid: int) -> None:
        info = self.world.status("out")
        if (info["state"], info["pid"]) != ("running", pid):
            self.world.find("false_death", facts(info))

    def _must_have_ended(self) -> None:
        for name, (state, code, number) in _ENDS.items():
            self.world.settled(
                name,
                lambda info, end=(state, code, number): (info["state"], info["exit_code"], info["signal"]) == end,  # type: ignore[misc]
                what="missed_exit",
            )

    def _must_be_as_before(self, stopping: threading.Thread, run_id: str) -> None:
        stopping.join(_PATIENCE)
        if self._ended_by != ["SIGTERM"]:
            self.world.find("false_deadline", f"a process that obeyed SIGTERM was ended by {self._ended_by}")
        info = self.world.status("out")
        if (info["state"], info["run_id"]) != ("running", run_id):
            self.world.find("false_death", facts(info))
        for run_id, pid in self.world.bystanders.items():
            alive = evidence.alive(self._home).get(pid)
            if alive is None or alive.run_id != run_id:
                self.world.find("false_death", f"{run_id} was {pid}")

    def _must_have_been_told(self, copy: Path) -> None:
        events = copy.with_name(copy.name + ".events")
        for name, end in _ENDS.items():
            run = self.world.status(name)["run"]
            line = " ".join(map(str, (end[0], name, run, end[1], end[2])))
            self.world.until(lambda line=line: line in events.read_text("utf-8").splitlines())  # type: ignore[misc]
            count = events.read_text("utf-8").splitlines().count(line)
            if count != 1:
                self.world.find("lost_event", f"{line!r} was told {count} times")

    def _must_be_whole(self, copy: Path, run_id: str) -> None:
        log = b"".join(path.read_bytes() for path in self._logs("out"))
        if copy.read_bytes() != log:
            self.world.find("lost_output", f"the follower has {copy.stat().st_size} bytes of {len(log)}")
        found = {record.run_id: record for record in evidence.records(self._home)[0]}
        lost, doubled = evidence.judge_run(self._home, found[run_id], must_end=True)
        if lost or doubled:
            self.world.find("lost_output", f"of {run_id} {lost} bytes are lost and {doubled} doubled")

    def _logs(self, name: str) -> list[Path]:
        return sorted(Path(self._home.runs, self.world.status(name)["run_id"]).glob("stdout-*.log"))
