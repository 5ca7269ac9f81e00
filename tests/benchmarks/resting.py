"""What it costs while nothing happens: memory, wake-ups, writes to disk."""

from __future__ import annotations

import time

from tests.benchmarks import facts
from tests.benchmarks.figures import Figure, Scale
from tests.benchmarks.hub import Hub

__all__ = ["idle", "memory"]

_SILENT = 5
_MIB = 2**20
_AIMS = {"daemon": 40, "keeper": 12}


def memory(hub: Hub, scale: Scale) -> list[Figure]:
    """memory of daemon, keeper and holder with one process, and what each of 1,000 sleeping processes adds"""
    with hub.sleepers(1):
        one = _settled_memory(hub, scale)
    with hub.sleepers(scale.crowd):
        all_of_them = _settled_memory(hub, scale)
    figures = [
        Figure(f"{who}, one process", found.resident / _MIB, "MiB", _AIMS.get(who), _proportional(found))
        for who, found in one.items()
    ]
    together = sum(found.proportional or found.resident for who, found in one.items() if who != "daemon")
    figures.append(Figure("keeper and holder, shared pages once", together / _MIB, "MiB", 12))
    for who, found in all_of_them.items():
        each = (found.resident - one[who].resident) / scale.crowd / 1024
        said = f"at {scale.crowd} processes {found.resident / _MIB:.1f} MiB; {_proportional(found)}"
        figures.append(Figure(f"{who}, per process", each, "KiB", 64, said))
    return figures


def _settled_memory(hub: Hub, scale: Scale) -> dict[str, facts.Memory]:
    hub.settle(scale.settle)
    return {who: facts.memory(pid) for who, pid in hub.parts().items()}


def _proportional(found: facts.Memory) -> str:
    return "" if found.proportional is None else f"PSS {found.proportional / _MIB:.1f} MiB"


def idle(hub: Hub, scale: Scale) -> list[Figure]:
    """wake-ups (context switches of all threads) and bytes to disk with 5 silent processes"""
    figures = []
    with hub.sleepers(_SILENT):
        pids = hub.parts()
        hub.settle(scale.settle)
        before = {who: facts.activity(pid) for who, pid in pids.items()}
        time.sleep(scale.idle_seconds)  # not to wait for something: that nothing happens for so long is the figure
        for who, pid in pids.items():
            added = facts.activity(pid).since(before[who])
            figures.append(Figure(f"{who}, wake-ups in {scale.idle_seconds:g} s", added.switches, "", 0))
            if added.written is not None:
                figures.append(Figure(f"{who}, written in {scale.idle_seconds:g} s", added.written, "bytes", 0))
    return figures
