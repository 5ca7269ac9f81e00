"""Waiting for a port: how long after listen(2) the answer comes, and what the waiting costs."""

from __future__ import annotations

import threading
import time

from persistproc_core.client import Client
from persistproc_core.errors import WaitTimedOut
from tests.benchmarks import facts
from tests.benchmarks.figures import Figure, Scale, spread
from tests.benchmarks.hub import Hub, start_sleeper
from tests.kit import free_port, program

__all__ = ["waiting"]

_WAITS_SECONDS = 30.0


def waiting(hub: Hub, scale: Scale) -> list[Figure]:
    """From a server's listen(2) to the reply of wait_for_process, and the daemon's processor time while it waits."""
    count = max(scale.pairs * 2, 1)
    seconds = _WAITS_SECONDS if scale.settle else 0.05
    delays = [_delay(hub, number) for number in range(count)]
    return [*spread("wait for a port", delays, (50.0, 100.0)), _cost(hub, seconds)]


def _delay(hub: Hub, number: int) -> float:
    name, port = f"late-{number}", free_port()
    answered: list[float] = []
    hub.client.start_process(command=program("late_server", port), name=name)
    hub.client.wait_for_process(process=name, output="ready")
    with hub.new_client() as client:
        thread = threading.Thread(target=_wait, args=(client, name, port, answered))
        thread.start()
        hub.client.send_process_input(process=name, input="listen")
        line = hub.client.wait_for_process(process=name, output="^listen ")["line"] or ""
        thread.join()
    hub.remove([name])
    return answered[0] - float(line.split()[1])


def _wait(client: Client, name: str, port: int, answered: list[float]) -> None:
    client.wait_for_process(process=name, port=port)
    answered.append(time.monotonic())


def _cost(hub: Hub, seconds: float) -> Figure:
    start_sleeper(hub.client, "waited-0")
    before = facts.cpu_seconds(hub.daemon.pid)
    try:
        hub.client.wait_for_process(process="waited-0", port=free_port(), timeout_seconds=seconds)
    except WaitTimedOut:
        pass
    used = facts.cpu_seconds(hub.daemon.pid) - before
    hub.remove(["waited-0"])
    return Figure("a wait for a port, processor time", 100 * used / seconds, "%", 1.5, f"over {seconds:g} s")
