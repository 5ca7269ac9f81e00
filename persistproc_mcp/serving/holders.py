"""Who listens on the port that we wanted: another persistproc, or a stranger."""

from __future__ import annotations

import pwd
import shlex
from typing import NamedTuple

from persistproc_core.paths import Home

from ..guard.processes import holder_of, process
from .asking import about_port

__all__ = ["who_has"]

_ASKING_SECONDS = 2.0
_LONGEST_COMMAND = 120
_LISTENS = "0A"
"""TCP_LISTEN, as proc_pid_net(5) writes it."""


class _Listener(NamedTuple):
    uid: int
    inode: int


def who_has(address: str, port: int, home: Home) -> str:
    """One phrase about whoever listens there: as much as may be told without being root."""
    listener = _listener(port)
    pid = holder_of(listener.inode) if listener is not None else None
    command = shlex.join(process(pid).arguments) if pid is not None else ""
    if "persistproc" in command or not command:
        # Asked by its name alone: a stranger may take its time to answer what it does not understand.
        other = about_port(address, port, _ASKING_SECONDS)
        if other is not None and other["home"] == home.path:
            return f"a bridge of this home that has lost its socket has it; to end it: kill {other['pid']}"
        if other is not None:
            return f"another persistproc has it (home {other['home']}, pid {other['pid']})"
    if command:
        return f"pid {pid} ({command[:_LONGEST_COMMAND]}) has it"
    return f"a program of {_name(listener.uid)} has it" if listener is not None else "another program has it"


def _listener(port: int) -> _Listener | None:
    """Whose socket listens on the port, which the kernel tells everybody; None where it does not."""
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(path, encoding="ascii") as table:
                rows = [line.split() for line in table][1:]
        except OSError:
            continue
        for row in rows:
            if row[3] == _LISTENS and int(row[1].rpartition(":")[2], 16) == port:
                return _Listener(int(row[7]), int(row[9]))
    return None


def _name(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"
