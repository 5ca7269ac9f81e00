"""What keeps runs alive, put together: everything that goes on without a caller."""

from __future__ import annotations

from typing import NamedTuple

import anyio

from ..paths import Home
from .adopting.copying import Copying
from .ending import Ender
from .events.journal import Journal
from .home.guard import HomeGuard
from .keeper import Keeper
from .keeping.config import Configuration
from .keeping.retention import Retention
from .kernel.tables import Tables
from .lifecycle import Lifecycle
from .log import Log
from .ports.ports import Ports
from .recovery import Recovery
from .registry import Registry
from .restarting.plans import Restarting
from .store import Store
from .tasks import Tasks
from .usage.connected import Connected
from .usage.expiry import Expiry
from .usage.uses import Uses
from .watching.signalling import Signalling
from .watching.watching import Watching

__all__ = ["Living", "make_lifecycle"]


class Living(NamedTuple):
    """The lifecycle with all its parts but `Lifecycle.readying`, and what they were made with."""

    lifecycle: Lifecycle
    disk: Store
    recovery: Recovery
    connected: Connected


def make_lifecycle(
    home: Home, home_guard: HomeGuard, log: Log, tasks: Tasks, registry: Registry, serving: anyio.Event
) -> Living:
    """Nothing of it runs yet, and nothing is loaded. ``serving``: set when the daemon serves."""
    disk = Store(home.runs, home_guard)
    lifecycle = Lifecycle(tasks, log, disk, registry)
    journal = lifecycle.journal = Journal(home.events, log, home_guard)
    configuration = lifecycle.configuration = Configuration(home.config, log)
    retention = lifecycle.retention = Retention(home.runs, log, registry, configuration, journal)
    lifecycle.restarting = Restarting(
        tasks, log, journal, registry, write=lifecycle.write, backoff=lambda: configuration.backoff
    )
    uses = lifecycle.uses = Uses(registry)
    recovery = Recovery(tasks, log, disk, registry, lifecycle)
    keeper = lifecycle.keeper = Keeper(
        home,
        log,
        on_connected=recovery.reconcile,
        on_started=lifecycle.on_started,
        on_exited=lifecycle.on_exited,
        on_grew=lifecycle.grew,
        on_rolled=retention.rolled,
        on_lost=retention.lost,
        serving=serving,
    )
    lifecycle.ender = Ender(keeper, Tables(lambda: [keeper.pid] if keeper.pid else []))
    lifecycle.copying = Copying(
        tasks, log, drain=lifecycle.orphans.drain, write=lifecycle.write, keeper=lambda: keeper.pid
    )
    lifecycle.ports = Ports(home.leases, home_guard, registry, lifecycle.ender, log)
    connected = Connected(lifecycle.ender, uses)
    lifecycle.expiry = Expiry(tasks, log, uses, lifecycle.restarting, end=lifecycle.end_softly, look=connected.look)
    signalling = Signalling(log, journal, lambda run, number: keeper.signal(run, number, "group"))
    lifecycle.watching = Watching(tasks, log, journal, signalling)
    lifecycle.restarting.on_changed = lifecycle.changed
    return Living(lifecycle, disk, recovery, connected)
