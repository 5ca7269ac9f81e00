"""What takes time, while the clock jumps: each must take as long as was asked for."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import NamedTuple

from persistproc_core.errors import PersistprocError, WaitTimedOut
from persistproc_core.protocol import ProcessInfo
from tests.crash.clock.shift import VARIABLE, Shift
from tests.crash.figures import Figures
from tests.crash.stage import Order, stage
from tests.crash.world import World, facts
from tests.kit import program, wait_gone

__all__ = ["PROMISES", "run_clock"]

PROMISES = ("early", "late", "died", "senseless", "errors")

_YEAR = 365 * 86400 * 10**9
_EVERY = 0.1
_TOLERANCE = 1.0


class _Timed(NamedTuple):
    """Something that takes a time that somebody asked for."""

    name: str
    seconds: float
    act: Callable[[World], None]


def run_clock(order: Order) -> Figures:
    """``size`` rounds of about three seconds."""
    figures = Figures("clock", PROMISES)
    ignores = program("ignore_term")
    with stage(figures, order, "tests.crash.clock.moved_daemon") as (home, _guard):
        os.environ[VARIABLE] = os.path.join(home.path, "clock")
        with closing(World(home, figures, 2)) as world:
            _play(world, ignores, order.size)
    return figures


def _play(world: World, ignores: list[str], rounds: int) -> None:
    shift = Shift(os.environ[VARIABLE])
    world.start("silent", ["sleep", "5001"])
    world.start("chatty", ["sh", "-c", "while :; do echo word; sleep 0.05; done"])
    with _jumping(shift), ThreadPoolExecutor(16) as pool:
        if not world.until(lambda: _is_moved(world)):
            world.find("senseless", "the daemon's clock does not move: nothing is tested")
        for number in range(rounds):
            world.point = f"round {number}"
            timed = _timed(ignores)
            for job in [pool.submit(_measure, world, each) for each in timed]:
                job.result()
            world.figures.n += len(timed)
            _check_sense(world)
    shift.set(0)
    world.check()


@contextmanager
def _jumping(shift: Shift) -> Iterator[None]:
    over = threading.Event()

    def jump() -> None:
        for years in itertools.cycle((-1, 1, 0)):
            shift.set(years * _YEAR)
            if over.wait(_EVERY):
                return

    thread = threading.Thread(target=jump)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _is_moved(world: World) -> bool:
    """Whether the daemon has another year than we have."""
    return world.client.set_mark(name="now")["time"][:4] != str(time.gmtime().tm_year)


def _measure(world: World, timed: _Timed) -> None:
    begun = time.monotonic()
    try:
        timed.act(world)
    except PersistprocError as error:
        world.find("errors", f"{timed.name}: {type(error).__name__}: {error}")
        return
    took = time.monotonic() - begun
    if abs(took - timed.seconds) > _TOLERANCE:
        late = took > timed.seconds
        world.find("late" if late else "early", f"{timed.name} took {took:.2f} s instead of {timed.seconds}")


# --- what takes time --------------------------------------------------------------------------------------------------


def _timed(ignores: list[str]) -> list[_Timed]:
    def stop(world: World) -> None:
        world.client.stop_process(process="deaf", grace_seconds=1.5)

    def deaf(world: World) -> None:
        world.start("deaf", ignores, fresh=True)
        world.client.wait_for_process(process="deaf", output="ready")
        stop(world)

    return [
        _Timed("the timeout of a wait", 2, lambda world: _times_out(world, process="silent", output="never")),
        _Timed("an idle wait that somebody disturbs", 2, lambda world: _times_out(world, process="chatty", idle=1)),
        _Timed("an idle wait", 1.5, lambda world: _wait_idle(world, 1.5)),
        _Timed("a long poll", 2, _long_poll),
        _Timed("the grace of a stop", 1.5, deaf),
        _Timed("ttl_seconds", 2, lambda world: _ends_by_itself(world, "ttl", ttl_seconds=2)),
        _Timed("idle_timeout_seconds", 2, lambda world: _ends_by_itself(world, "idle", idle_timeout_seconds=2)),
        _Timed("the pause before a restart", 0.6, _comes_back),
    ]


def _times_out(world: World, *, process: str, output: str | None = None, idle: float | None = None) -> None:
    condition = {"output": output} if output else {"idle_seconds": idle}
    try:
        world.client.call("wait_for_process", {"process": process, "timeout_seconds": 2, **condition})
        world.find("early", f"a wait for {condition} of {process} was answered")
    except WaitTimedOut:
        pass


def _wait_idle(world: World, seconds: float) -> None:
    world.start("quiet", ["sh", "-c", "echo word; exec sleep 5003"], fresh=True)
    world.client.wait_for_process(process="quiet", idle_seconds=seconds, timeout_seconds=10)


def _long_poll(world: World) -> None:
    cursor = world.client.get_process_output(process="silent")["cursor"]
    world.client.get_process_output(process="silent", cursor=cursor, wait_seconds=2)


def _ends_by_itself(world: World, name: str, **options: float) -> None:
    pid = world.start(name, ["sh", "-c", "exec sleep 5004", name], fresh=True, **options)["pid"]
    wait_gone(pid or 0, 20)
    info = world.settled(name, lambda info: info["state"] == "stopped")
    if info is not None and info["stopped_by"] != {"name": "persistproc"}:
        world.find("senseless", facts(info))


def _comes_back(world: World) -> None:
    first = world.start("back", ["sh", "-c", "exec sleep 5005"], fresh=True, restart="always")
    os.kill(first["pid"] or 0, 9)
    world.settled("back", lambda info: info["run"] > first["run"] and info["state"] == "running", 20)


# --- what is told -----------------------------------------------------------------------------------------------------


def _check_sense(world: World) -> None:
    listed: list[ProcessInfo] = world.client.list_processes(all_projects=True)["processes"]
    for process in listed:
        cpu = process["cpu_percent"]
        if cpu is not None and not 0 <= cpu <= 100 * (os.cpu_count() or 1) + 50:
            world.find("senseless", f"{process['name']} used {cpu} % of a core")
        if process["run_id"] in world.bystanders and process["state"] != "running":
            world.find("died", f"{process['name']}: {process['state']} {process['reason']}")
