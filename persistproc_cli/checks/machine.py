"""What the machine does to processes: at logout, to orphans, to those who look at others, and to the clock."""

from __future__ import annotations

import json
import os
import re

from ..times import duration, to_epoch
from .finding import Kind, ok

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .finding import Finding
    from .processes import Seen

__all__ = ["KINDS", "clock", "logout", "newest_event", "orphans", "tracing"]

_AHEAD_SECONDS = 60.0
_TAIL_BYTES = 64 * 1024
_IN_SESSION = re.compile(r"/session-[^/]*\.scope")

LOGOUT_KILLS = Kind(
    "logout",
    "logout-kills",
    "warning",
    "systemd-logind is configured with `KillUserProcesses=yes`, and daemon, keeper and all processes belong to a "
    "session (a terminal, ssh): they end when you log out of it, also with linger.",
    "run: `persistproc shutdown` (it stops what runs), then: `persistproc service install --linger`",
)
NOT_REAPED = Kind(
    "orphans",
    "orphans-not-reaped",
    "warning",
    "Process 1 does not collect ended processes whose parent has gone, as in a container without an init. They stay as "
    "zombies, and take a number each.",
    "start the container with an init: `docker run --init`",
)
NOT_TRACED = Kind(
    "tracing",
    "tracing-refused",
    "warning",
    "The kernel (Yama) lets nobody look at the system calls of other processes. So whether a process waits for input "
    "cannot be told: `waiting_for_input` is always null.",
    "run: `sudo sysctl kernel.yama.ptrace_scope=1`",
)
CLOCK_BACK = Kind(
    "clock",
    "clock-back",
    "warning",
    "The clock has been set back: what happened last is in the future. Nothing is started or stopped by the wall "
    "clock, but ages (`--since 5m`, `prune --older-than`) are counted by it.",
    "set the clock: `sudo timedatectl set-ntp true`",
)
KINDS = (LOGOUT_KILLS, NOT_REAPED, NOT_TRACED, CLOCK_BACK)


def logout(*, kills: bool, lingers: bool, user: str, cgroup: str) -> Finding:
    """Whether what runs outlives the session; ``cgroup``: the text of /proc/PID/cgroup of the keeper (cgroups(7)).

    What logind ends is the scope of the session, whether linger is on or not (logind.conf(5)). The user's service
    manager, and what runs in it, it ends with the last session, unless linger is on (loginctl(1)).
    """
    if kills and _IN_SESSION.search(cgroup):
        return LOGOUT_KILLS.found("KillUserProcesses=yes: your processes end with the session that they belong to")
    if kills and not lingers:
        mend = f"run: loginctl enable-linger {user}"
        return LOGOUT_KILLS.found("KillUserProcesses=yes: your processes end when you log out", mend)
    return ok("logout", "processes outlive your sessions" + (" (linger is on)" if lingers else ""))


def orphans(first: list[Seen], second: list[Seen], init: str) -> Finding:
    """Two looks, some time apart: an init that works has collected by the second what was a zombie at the first."""
    waiting = {each.pid for each in first if each.state == "Z" and each.ppid == 1}
    left = waiting & {each.pid for each in second if each.state == "Z" and each.ppid == 1}
    if left:
        return NOT_REAPED.found(f"process 1 ({init}) does not collect {len(left)} ended processes")
    return ok("orphans", f"process 1 ({init}) collects them")


def tracing(scope: str) -> Finding:
    """``scope``: the text of /proc/sys/kernel/yama/ptrace_scope; empty where there is no Yama."""
    level = scope.strip()
    if level in ("2", "3"):
        return NOT_TRACED.found(f"kernel.yama.ptrace_scope is {level}")
    return ok("tracing", f"kernel.yama.ptrace_scope is {level}" if level else "not restricted")


def clock(newest: float | None, now: float) -> Finding:
    """``newest``: when the last event happened, in seconds since the epoch."""
    if newest is not None and newest > now + _AHEAD_SECONDS:
        return CLOCK_BACK.found(f"the last event is {duration(newest - now)} in the future")
    return ok("clock", "not before the last event")


def newest_event(path: str) -> float | None:
    """The time of the last line of the journal; None without one."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        try:
            return to_epoch(str(json.loads(line)["time"]))
        except (ValueError, KeyError, TypeError):
            continue
    return None
