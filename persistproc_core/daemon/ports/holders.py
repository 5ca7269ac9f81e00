"""Who listens on a port: one of our processes, or a stranger."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import anyio.to_thread

from ...protocol import Holder
from ..clock import rfc3339
from ..ending import Ender
from ..kernel import sock_diag
from ..kernel.identity import HAVE_PROCFS, command_line
from ..kernel.ports import holders, listeners_by_run
from ..model import Process, Run
from ..projects import project_name
from ..registry import Registry
from .wishes import required

__all__ = ["Holders", "belongs_to", "who"]


class _Sight(NamedTuple):
    """Who listens, as the kernel tells it."""

    pids: list[int]
    anybody: bool
    """True when somebody does, be it that nobody can tell who."""


class Holders:
    """Looks for them. It costs a look at all processes, so it is asked only when a port is not free."""

    def __init__(self, ender: Ender, registry: Registry) -> None:
        self._ender = ender
        self._registry = registry

    async def of(self, port: int) -> Holder | None:
        """Who listens on it; None: nobody."""
        found = await self.all(port)
        return found[0] if found else None

    async def all(self, port: int) -> list[Holder]:
        """All that listen on it, ours first: two may, on different addresses. Workers of one server count once."""
        sight = await anyio.to_thread.run_sync(_look, port, abandon_on_cancel=True)
        if not sight.anybody:
            return []
        ours = [found for found in self._registry.runs() if found[1].present]
        members = await self._ender.members_of([run for _, run in ours])
        found: list[Holder] = []
        left = set(sight.pids)
        for process, run in ours:
            pids = left.intersection(member.pid for member in members[run.run_id])
            left -= pids
            if pids:
                found.append(_process(process, run, min(pids)))
        if left:
            found.append(await anyio.to_thread.run_sync(_stranger, min(left), abandon_on_cancel=True))
        return found or [_unknown()]

    async def others(self, port: int, project_directory: str, name: str) -> list[Holder]:
        """The same without that process."""
        found = [each for each in await self.all(port) if not belongs_to(each, project_directory, name)]
        # Whose descriptors nobody may look at (a program with capabilities, proc(5) "dumpable") may well be its own.
        if found == [_unknown()] and self._is_to_have(port, project_directory, name):
            return []
        return found

    def claimed(self, port: int, project_directory: str, name: str) -> Holder | None:
        """Another one of ours that was started to listen there, and does not yet."""
        for process, run in self._registry.runs():
            settings = run.settings
            ports = required(settings.ports, dict(settings.assigned_ports)).values()
            if run.live and run.ready is False and port in ports:
                holder = _process(process, run, run.pid or 0)
                if not belongs_to(holder, project_directory, name):
                    return holder
        return None

    def _is_to_have(self, port: int, project_directory: str, name: str) -> bool:
        process = self._registry.get(project_directory, name)
        run = process.current if process is not None else None
        return run is not None and run.present and port in dict(run.settings.assigned_ports).values()


def belongs_to(holder: Holder, project_directory: str, name: str) -> bool:
    """Whether that process holds it."""
    return holder["kind"] == "process" and (holder["project_directory"], holder["name"]) == (project_directory, name)


def who(holder: Holder) -> str:
    """``shop/web (pid 7)``, ``pid 7 (python3 -m http.server)``, ``a process of another user``."""
    if holder["kind"] == "process":
        return f"{holder['project']}/{holder['name']} (pid {holder['pid']})"
    if holder["kind"] == "unknown":
        return "a process that we may not look at (of another user?)"
    return f"pid {holder['pid']} ({_shortened(holder['command'] or 'its command is not known')})"


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def _look(port: int) -> _Sight:
    """Blocks: looks at the descriptors of all processes."""
    import psutil

    if not HAVE_PROCFS:
        found = [pid for pid in psutil.pids() if _listens(pid, port)]
        return _Sight(found, bool(found))
    inodes = _inodes(port)
    return _Sight(holders(inodes, psutil.pids()) if inodes else [], bool(inodes))


def _inodes(port: int) -> Collection[bytes]:
    try:
        with sock_diag.SocketTable() as table:
            return table.listening(port).keys()
    except OSError:  # a sandbox that refuses netlink
        return _inodes_by_procfs(port)


def _inodes_by_procfs(port: int) -> set[bytes]:
    """From ``/proc/net/tcp``: local address, state 0A (listening), inode (proc_pid_net(5))."""
    found = set()
    for name in ("tcp", "tcp6"):
        try:
            with open(f"/proc/self/net/{name}", "rb") as file:
                lines = file.read().splitlines()[1:]
        except OSError:
            continue
        for fields in map(bytes.split, lines):
            if len(fields) > 9 and fields[3] == b"0A" and int(fields[1].rpartition(b":")[2], 16) == port:
                found.add(fields[9])
    return found


def _listens(pid: int, port: int) -> bool:
    return any(each["port"] == port for each in listeners_by_run({"": [pid]})[""])


def _process(process: Process, run: Run, pid: int) -> Holder:
    return {
        "kind": "process",
        "name": process.name,
        "project": project_name(process.project_directory),
        "project_directory": process.project_directory,
        "pid": pid,
        "command": run.command.text,
        "working_directory": run.working_directory,
        "started_by": run.started_by,
        "started_at": run.started_at,
    }


def _stranger(pid: int) -> Holder:
    return {
        **_unknown(),
        "kind": "stranger",
        "pid": pid,
        "command": command_line(pid) or None,
        "working_directory": _directory(pid),
        "started_at": _started_at(pid),
    }


def _directory(pid: int) -> str | None:
    import psutil

    try:
        # As the kernel tells it, without links; to look at it could hang (the folder of a server that is gone).
        return psutil.Process(pid).cwd() or None
    except (psutil.Error, OSError):
        return None


def _started_at(pid: int) -> str | None:
    import psutil

    try:
        return rfc3339(int(psutil.Process(pid).create_time() * 1e9))
    except (psutil.Error, OSError):
        return None


def _unknown() -> Holder:
    return {
        "kind": "unknown",
        "name": None,
        "project": None,
        "project_directory": None,
        "pid": None,
        "command": None,
        "working_directory": None,
        "started_by": None,
        "started_at": None,
    }
