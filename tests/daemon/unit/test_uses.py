"""When a process was used last, on clocks that the test sets."""

from __future__ import annotations

import time

import pytest

from persistproc_core.daemon.kernel.age import boot_seconds
from persistproc_core.daemon.kernel.identity import boot_id, identity_of
from persistproc_core.daemon.model import Process, Run
from persistproc_core.daemon.registry import Registry
from persistproc_core.daemon.settings import Options, Settings
from persistproc_core.daemon.usage.leases import age, begin, check_ttl
from persistproc_core.daemon.usage.limits import due, expires_at
from persistproc_core.daemon.usage.owners import has_ended
from persistproc_core.daemon.usage.uses import Uses
from persistproc_core.daemon.words.command import parse_command
from persistproc_core.errors import InvalidParams
from persistproc_core.protocol import ClientInfo


class Clock:
    """Fake clocks: monotonic, boot time, wall."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.awake, self.asleep, self.wall = 1000.0, 500.0, 1_700_000_000.0
        patch.setattr("time.monotonic", lambda: self.awake)
        patch.setattr("time.time_ns", lambda: round(self.wall * 1e9))
        patch.setattr("persistproc_core.daemon.usage.leases.boot_seconds", lambda: self.awake + self.asleep)

    def passes(self, seconds: float) -> None:
        self.awake += seconds
        self.wall += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def registry() -> Registry:
    return Registry()


def running(registry: Registry, clock: Clock | None = None, name: str = "p") -> Process:
    """A process that was started this moment."""
    command = parse_command(["sleep", "1000"])
    process = Process(name, "/shop", command, "/shop")
    run = Run(f"{name}.1.x", 1, "/x", command, "/shop", Settings(), "", {"name": "cursor"}, boot_id(), state="running")
    run.launched.set()
    run.lease = None if clock is None else clock.awake + clock.asleep
    registry.add(process)
    registry.add_run(process, run)
    return process


def test_unused_counts_from_the_last_use(clock: Clock, registry: Registry) -> None:
    uses, process = Uses(registry), running(registry, clock)
    clock.passes(10)
    assert uses.unused_seconds(process) == 10
    assert uses.last_used_at(process) is None
    uses.used(process)
    at = uses.last_used_at(process)
    clock.passes(7)
    assert uses.unused_seconds(process) == 7
    assert uses.last_used_at(process) == at == "2023-11-14T22:13:30.000Z"
    uses.used(process, 3)
    assert uses.unused_seconds(process) == 3
    uses.used(process, 20)
    assert uses.unused_seconds(process) == 3, "an older use is no news"
    assert uses.last_used_at(process) == "2023-11-14T22:13:34.000Z"


def test_nothing_is_unused_for_longer_than_we_know(clock: Clock, registry: Registry) -> None:
    process = running(registry, clock)
    clock.passes(5000)
    uses = Uses(registry)
    clock.passes(3)
    assert uses.unused_seconds(process) == 3, "what was before the daemon is not known"
    later = running(registry, clock, "q")
    clock.passes(1)
    assert uses.unused_seconds(later) == 1


def test_it_is_used_while_somebody_is_at_it(clock: Clock, registry: Registry) -> None:
    uses, process = Uses(registry), running(registry, clock)
    with uses.using(process), uses.using(process):
        clock.passes(100)
        assert uses.unused_seconds(process) == 0
        assert uses.last_used_at(process) == "2023-11-14T22:15:00.000Z"
    assert uses.unused_seconds(process) == 0
    clock.passes(2)
    assert uses.unused_seconds(process) == 2


def test_a_start_is_no_use_but_counts(clock: Clock, registry: Registry) -> None:
    uses, process = Uses(registry), running(registry, clock)
    clock.passes(100)
    uses.begun(process)
    clock.passes(1)
    assert uses.unused_seconds(process) == 1
    assert uses.last_used_at(process) is None


def test_a_clock_that_is_set_changes_no_age(clock: Clock, registry: Registry) -> None:
    uses, process = Uses(registry), running(registry, clock)
    process.options = Options(ttl_seconds=60, idle_timeout_seconds=30)
    uses.used(process)
    year = 365 * 86400.0
    for jump in (year, -2 * year):
        clock.wall += jump
        assert uses.unused_seconds(process) == 0
        limit = due(process, uses)
        assert limit is not None
        assert limit.seconds == 30
    assert uses.last_used_at(process) == "2023-11-14T22:13:20.000Z"
    uses.used(process)
    assert uses.last_used_at(process) == "2022-11-14T22:13:20.000Z", "and no use stays in the future"


def test_a_machine_that_sleeps_uses_nothing_up_but_the_ttl(clock: Clock, registry: Registry) -> None:
    uses, process = Uses(registry), running(registry, clock)
    process.options = Options(idle_timeout_seconds=30)
    clock.passes(10)
    clock.asleep += 8 * 3600
    limit = due(process, uses)
    assert limit is not None
    assert limit.seconds == 20
    process.options = Options(ttl_seconds=3600)
    limit = due(process, uses)
    assert limit is not None
    assert limit.seconds < 0


def test_what_a_stopped_daemon_missed_does_not_count(clock: Clock, registry: Registry) -> None:
    uses, process = Uses(registry), running(registry, clock)
    clock.passes(10)
    uses.excuse(process, 6)
    assert uses.unused_seconds(process) == 4
    uses.excuse(process, 600)
    assert uses.unused_seconds(process) == 0


def test_the_first_limit_counts_and_is_told(clock: Clock, registry: Registry) -> None:
    uses, process = Uses(registry), running(registry, clock)
    assert due(process, uses) is None
    assert expires_at(process, uses) is None
    process.options = Options(ttl_seconds=7200, idle_timeout_seconds=1800)
    assert due(process, uses) == (1800, "nobody used it for 30m")
    assert expires_at(process, uses) == "2023-11-14T22:43:20.000Z"
    clock.passes(7000)
    uses.used(process)
    assert due(process, uses) == (200, "ran for its ttl of 2h")
    process.runs[-1].state = "stopping"
    assert due(process, uses) is None


def test_uses_are_handed_over(clock: Clock, registry: Registry) -> None:
    uses, process, other = Uses(registry), running(registry, clock), running(registry, clock, "q")
    uses.used(process)
    clock.passes(40)
    given, at = uses.give(), uses.last_used_at(process)
    clock.passes(2)
    successor = Uses(registry)
    successor.take(given)
    assert (successor.unused_seconds(process), successor.last_used_at(process)) == (42, at)
    assert successor.unused_seconds(other) == 42, "nor does it begin anew for what nobody used"
    with uses.using(process):
        clock.passes(9)
        given = uses.give()
    successor.take(given)
    assert successor.unused_seconds(process) == 0


@pytest.mark.parametrize("given", [None, [], {"": 1}, {"p.1.x": "x"}, {"p.1.x": ["a", 1]}, {"zz": [1, 2]}, {5: [1, 2]}])
def test_what_another_version_gives_is_left_out(clock: Clock, registry: Registry, given: object) -> None:
    uses, process = Uses(registry), running(registry, clock)
    uses.take(given)
    assert uses.unused_seconds(process) == 0


# --- the ttl --------------------------------------------------------------------------------------------------------


def test_a_lease_is_the_start_of_the_leader_unless_it_is_inherited(registry: Registry) -> None:
    import os

    run = running(registry).runs[-1]
    assert begin(run) is None
    run.identity = identity_of(os.getpid())
    began = begin(run)
    assert began is not None
    assert 0 <= boot_seconds() - began < time.clock_gettime(time.CLOCK_MONOTONIC)
    run.lease = boot_seconds() - 100
    ran = age(run)
    assert ran is not None
    assert 100 <= ran < 160


def test_a_ttl_that_is_over_already_is_refused(clock: Clock, registry: Registry) -> None:
    run = running(registry, clock).runs[-1]
    clock.passes(3 * 3600)
    with pytest.raises(InvalidParams, match="has run for 3h already, longer than a ttl of 1h") as caught:
        check_ttl(run, 3600)
    assert caught.value.hint
    check_ttl(run, 4 * 3600)
    check_ttl(run, 0)
    check_ttl(None, 1)
    run.state = "stopped"
    check_ttl(run, 1)


def test_a_pid_that_was_given_again_is_not_taken_for_the_starter() -> None:
    import os

    us = identity_of(os.getpid())
    assert us is not None
    client: ClientInfo = {"name": "claude-code", "pid": os.getpid()}
    # A leader that is younger than us: we may have started it. One that is older: whoever had our pid then has ended.
    assert not has_ended(client, us._replace(pid=1, start=us.start + 5))
    assert not has_ended(client, us._replace(pid=1))
    assert has_ended(client, us._replace(pid=1, start=us.start - 1))
    assert not has_ended({"name": "claude-code"}, us)
    assert not has_ended({"name": "persistproc-cli", "pid": os.getpid()}, us._replace(start=us.start - 1))
