"""``python -m tests.crash.reuse.inside SEED SIZE WAY``: runs whose numbers go to strangers; prints findings as JSON.

WAY is ``kernel`` (as process 1 of a pid namespace: the kernel gives the numbers to strangers) or ``forged`` (where no
namespace may be made: the records are changed so that they name strangers, which is what a reader of them sees then).
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from persistproc_core.errors import PersistprocError
from tests.crash.figures import Figures
from tests.crash.reuse.namespace import reap, stranger, take_pid
from tests.crash.stage import Order, stage
from tests.crash.world import World, facts
from tests.kit import is_alive, wait_gone

__all__ = ["PROMISES", "play"]

PROMISES = ("strangers_signalled", "believed_alive", "errors")

_RUNS_A_LIFE = 25


def play(order: Order, way: str) -> Figures:
    """``size`` reuses, some at each death of the daemon."""
    figures = Figures(f"reuse-{way}", PROMISES)
    chance = random.Random(order.seed)
    with stage(figures, order) as (home, _guard), closing(World(home, figures, 1)) as world:
        while figures.n < order.size:
            count = min(_RUNS_A_LIFE, order.size - figures.n)
            _life(world, chance, count, _taken if way == "kernel" else _forged)
            figures.n += count
    return figures


def _life(world: World, chance: random.Random, count: int, reuse: Callable[[World, str, int], int]) -> None:
    runs = {}
    for number in range(count):
        info = world.start(f"r{number}", ["sleep", f"{7000 + number}"])
        assert info["pid"] is not None
        runs[info["run_id"]] = info["pid"]
    status = world.client.get_daemon_status()
    for pid in (status["pid"], status["keeper_pid"] or 0):
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid)
    strangers: dict[str, int] = {}
    try:
        for pid in runs.values():
            os.kill(pid, signal.SIGKILL)
            wait_gone(pid)
        if os.getpid() == 1:
            for pid in (status["pid"], status["keeper_pid"] or 0, *runs.values()):
                reap(pid)
        for run_id, pid in runs.items():
            strangers[run_id] = reuse(world, run_id, pid)
        _look(world, chance, strangers)
    finally:
        for pid in strangers.values():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    for number in range(count):
        with suppress(PersistprocError):
            world.client.remove_process(process=f"r{number}", force=True)


def _taken(world: World, run_id: str, pid: int) -> int:
    return take_pid(pid)


def _forged(world: World, run_id: str, pid: int) -> int:
    """Have record and note name a stranger, with the start time of the process that had ended."""
    number = stranger()
    folder = Path(world.home.runs, run_id)
    for path in folder.glob("record*.json"):
        record = json.loads(path.read_text("ascii"))
        record["identity"] = record["identity"] and [record["identity"][0], number, record["identity"][2]]
        path.unlink()  # two of the names may be one file
        path.write_text(json.dumps(record), "ascii")
    note = (folder / "spawned").read_text("ascii").split()
    (folder / "spawned").write_text(" ".join([str(number), *note[1:]]) + "\n", "ascii")
    return number


def _look(world: World, chance: random.Random, strangers: dict[str, int]) -> None:
    listed = {info["run_id"]: info for info in world.client.list_processes(all_projects=True)["processes"]}
    for run_id, pid in strangers.items():
        world.point = f"{run_id} and the stranger {pid}"
        name = run_id.partition(".")[0]
        info = listed[run_id]
        if info["ended_at"] is None or info["survivors"]:
            world.find("believed_alive", facts(world.status(name)))
        act = chance.choice((_stop, _force, _signal, _restart))
        with suppress(PersistprocError):
            act(world, name)
        if not is_alive(pid):
            world.find("strangers_signalled", f"by {act.__name__}")


def _stop(world: World, name: str) -> None:
    world.client.stop_process(process=name)


def _force(world: World, name: str) -> None:
    world.client.stop_process(process=name, force=True)


def _signal(world: World, name: str) -> None:
    world.client.signal_process(process=name, signal="KILL", to="group")


def _restart(world: World, name: str) -> None:
    world.client.restart_process(process=name, force=True)


if __name__ == "__main__":
    found = play(Order(int(sys.argv[1]), int(sys.argv[2])), sys.argv[3])
    print(json.dumps({"n": found.n, "broken": found.broken, "findings": found.findings}), flush=True)
    os._exit(0)  # as process 1 we take all others with us
