"""One look at all processes of the machine, and which of them belong to a run.

A look is not atomic: a process that forks while we look may have a child that is not in it. Whoever wants to be sure
that nothing is left looks again until nothing new turns up.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from . import procfs
from .identity import HAVE_PROCFS, Identity, boot_id

__all__ = ["MARKER", "Process", "ProcessTable", "environment_of", "escaped", "scan"]

MARKER = "PERSISTPROC_RUN"
"""The variable that every child has in its environment; its value is the run's id."""


class Process(NamedTuple):
    """One process at the time of the look."""

    pid: int
    ppid: int
    pgid: int
    sid: int
    state: str
    """The kernel's state letter (proc_pid_stat(5)); Z is a zombie."""
    start: int
    """As in `Identity.start`."""
    uid: int
    """Owner of its files in /proc: its effective user, or root for one that may not be inspected (proc(5))."""
    alive: bool

    @property
    def identity(self) -> Identity:
        """For `identity.Handle`."""
        return Identity(boot_id(), self.pid, self.start)


class ProcessTable:
    """The processes of one look, by pid. Environments are read when first needed, once for all questions."""

    def __init__(
        self,
        processes: Iterable[Process],
        *,
        read_marker: Callable[[int], str | None],
        never: Collection[int] = (),
    ) -> None:
        self.processes = {process.pid: process for process in processes}
        self._read_marker = read_marker
        self._never = {0, 1, os.getpid(), *never}
        self._markers: dict[str, list[int]] | None = None
        self._blank: list[int] = []
        self._children: dict[int, list[int]] | None = None
        self._sessions: dict[int, set[int]] | None = None

    @property
    def markers(self) -> dict[str, list[int]]:
        """Pids of live processes by the run id in their environment."""
        if self._markers is None:
            found: defaultdict[str, list[int]] = defaultdict(list)
            for process in self.processes.values():
                run_id = self._read_marker(process.pid) if self._counts(process) and _is_ours(process) else None
                if run_id:
                    found[run_id].append(process.pid)
                elif run_id == "":
                    self._blank.append(process.pid)
            self._markers = dict(found)
        return self._markers

    def blank_since(self, start: int) -> bool:
        """True when a process that is not older than that has no environment at all: it may be between two programs."""
        assert self._markers is not None, "the environments are not read yet"
        return any(self.processes[pid].start >= start for pid in self._blank)

    def members(self, run_id: str, leader_pid: int | None, *, trust_session: bool) -> list[Process]:
        """The live processes of a run, by pid.

        They are in the leader's group or session, carry the run's id in their environment, or descend from such a
        process. ``trust_session`` says that the leader's number cannot have gone to somebody else: the leader is
        alive or unreaped, or a member of its group is. Without it the group and session say nothing.

        Never among them: this process, pids 0 and 1, and the pids that `scan` was told. Another user's process in the
        session (sudo) is one: whoever cannot end it must say so.
        """
        seeds = set(self.markers.get(run_id, ()))
        if trust_session and leader_pid is not None and leader_pid > 1:
            seeds.update(self._of_session(leader_pid))
        return self._alive_with_descendants(seeds)

    def family(self, heads: Iterable[Identity]) -> list[Process]:
        """Those of these processes that are alive, and all that descend from them, by pid; never what `members` leaves
        out. A number that somebody else has by now is nobody."""
        seeds = {head.pid for head in heads if (found := self.processes.get(head.pid)) and found.identity == head}
        return self._alive_with_descendants(seeds)

    def ancestors(self, pid: int) -> list[int]:
        """The parent of a process, the parent of that one, and so on."""
        found: list[int] = []
        while (process := self.processes.get(pid)) is not None and process.ppid > 0 and process.ppid not in found:
            pid = process.ppid
            found.append(pid)
        return found

    def _of_session(self, leader_pid: int) -> set[int]:
        if self._sessions is None:
            # Once for all runs: a thousand of them would otherwise each go through all processes.
            sessions: defaultdict[int, set[int]] = defaultdict(set)
            for process in self.processes.values():
                sessions[process.pgid].add(process.pid)
                sessions[process.sid].add(process.pid)
            self._sessions = dict(sessions)
        return self._sessions.get(leader_pid, set())

    def _alive_with_descendants(self, seeds: set[int]) -> list[Process]:
        found = self._with_descendants(seeds - self._never)
        return [p for p in map(self.processes.__getitem__, sorted(found)) if self._counts(p)]

    def _with_descendants(self, seeds: set[int]) -> set[int]:
        found = set(seeds)
        todo = list(seeds)
        while todo:
            for child in self._children_of(todo.pop()):
                if child not in found and child not in self._never:
                    found.add(child)
                    todo.append(child)
        return found

    def _children_of(self, pid: int) -> list[int]:
        if self._children is None:
            children: defaultdict[int, list[int]] = defaultdict(list)
            for process in self.processes.values():
                children[process.ppid].append(process.pid)
            self._children = dict(children)
        return self._children.get(pid, [])

    def _counts(self, process: Process) -> bool:
        return process.alive and process.pid not in self._never


def escaped(members: Iterable[Process], leader_pid: int | None) -> list[Process]:
    """Those that left the leader's session (setsid(2))."""
    return [process for process in members if process.sid != leader_pid]


def scan(*, never: Collection[int] = (), procfs_available: bool = HAVE_PROCFS) -> ProcessTable:
    """Look at all processes.

    ``never`` are pids that belong to no run whatever they look like: the keeper, which may have been started from
    inside a run. ``procfs_available=False`` asks psutil instead, as is done where there is no Linux /proc.
    """
    if procfs_available:
        return ProcessTable(_scan_procfs(), read_marker=_marker_from_procfs, never=never)
    return ProcessTable(_scan_psutil(), read_marker=_marker_from_psutil, never=never)


def environment_of(pid: int, *, procfs_available: bool = HAVE_PROCFS) -> dict[str, str] | None:
    """The environment that a process was executed with; None when it is gone or may not be read."""
    if procfs_available:
        data = procfs.environment_bytes(pid)
        return None if data is None else procfs.parse_environment(data)
    import psutil

    try:
        return psutil.Process(pid).environ()
    except (psutil.Error, OSError):
        return None


def _is_ours(process: Process) -> bool:
    """True when we may signal it: kill(2) wants our user as its real or saved one."""
    me = os.getuid()
    # root's runs may have members of other users (nginx, postgres drop to theirs), and root may signal them.
    if me in (0, process.uid):
        return True
    if process.uid != 0 or not HAVE_PROCFS:
        return False
    # A process that may not be inspected (ssh-agent, a browser's sandbox) looks like root's in /proc.
    return me in (procfs.real_user(process.pid) or ())


def _scan_procfs() -> Iterator[Process]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            process = _read_process(name)
            if process is not None:
                yield process


def _read_process(name: str) -> Process | None:
    # One descriptor for both questions: with two look-ups by name the second may answer for another process.
    try:
        fd = os.open(f"/proc/{name}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        stat = procfs.parse_stat(os.read(fd, 4096))
        uid = os.fstat(fd).st_uid
    except OSError:
        return None
    finally:
        os.close(fd)
    if stat is None:
        return None
    return Process(stat.pid, stat.ppid, stat.pgid, stat.sid, stat.state, stat.start, uid, stat.alive)


_ENTRY = MARKER.encode("ascii") + b"="


def _marker_from_procfs(pid: int) -> str | None:
    """The run's id; empty for one whose whole environment is empty: it may be executing another program right now."""
    data = procfs.environment_bytes(pid)
    if not data:
        return None if data is None else ""
    begin = 0 if data.startswith(_ENTRY) else data.find(b"\0" + _ENTRY) + 1
    if begin == 0 and not data.startswith(_ENTRY):
        return None
    return os.fsdecode(data[begin + len(_ENTRY) :].split(b"\0", 1)[0])


def _marker_from_psutil(pid: int) -> str | None:
    return (environment_of(pid, procfs_available=False) or {}).get(MARKER)


def _scan_psutil() -> Iterator[Process]:
    import psutil

    letters = {psutil.STATUS_ZOMBIE: "Z", psutil.STATUS_STOPPED: "T", psutil.STATUS_DISK_SLEEP: "D"}
    for process in psutil.process_iter():
        try:
            with process.oneshot():
                state = letters.get(process.status(), "S")
                pgid, sid = os.getpgid(process.pid), os.getsid(process.pid)
                start = _start_of(process.create_time(), process.pid)
                yield Process(
                    process.pid, process.ppid(), pgid, sid, state, start, process.uids().effective, state != "Z"
                )
        except (psutil.Error, OSError):
            continue


def _start_of(create_time: float, pid: int) -> int:
    if HAVE_PROCFS:
        # Only in tests of this path: an identity made from it must still equal those made from /proc.
        stat = procfs.read_stat(pid)
        return stat.start if stat else 0
    return round(create_time * 1_000_000)
