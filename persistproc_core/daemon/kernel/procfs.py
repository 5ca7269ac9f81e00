"""What the daemon reads from Linux's /proc (proc(5)), and nothing else: no policy, no psutil."""

from __future__ import annotations

import os
from typing import NamedTuple

__all__ = [
    "Stat",
    "environment_bytes",
    "exit_status_of_zombie",
    "have_procfs",
    "ignores",
    "parse_environment",
    "parse_stat",
    "read_stat",
    "real_user",
    "status_field",
]

DEAD_STATES = frozenset("XxZ")
"""State letters of what has ended: Z waits to be reaped, X and x are seen for an instant (proc_pid_stat(5))."""


class Stat(NamedTuple):
    """The fields of ``/proc/<pid>/stat`` that are used here (proc_pid_stat(5))."""

    pid: int
    ppid: int
    pgid: int
    sid: int
    state: str
    """The kernel's letter: R, S, D, T, t, Z, X, I."""
    threads: int
    start: int
    """Start time in clock ticks since boot: field 22."""
    cpu: int
    """User and system time of all its threads, in clock ticks: fields 14 and 15."""
    resident: int
    """Resident memory in pages: field 24."""

    @property
    def alive(self) -> bool:
        """True unless every thread has ended.

        A process whose main thread called pthread_exit(3) shows Z as well, but still counts its other threads.
        """
        return self.state not in DEAD_STATES or (self.state == "Z" and self.threads > 1)


def have_procfs() -> bool:
    """True where /proc is the one of Linux, mounted for our pid namespace."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


def parse_stat(line: bytes) -> Stat | None:
    """The fields of one stat line; None when it is none (the process vanished while it was read)."""
    # The name is in parentheses and may itself hold spaces, parentheses and newlines: only the last one counts.
    head, _, tail = line.rpartition(b")")
    fields = tail.split()
    if len(fields) < 22:
        return None
    try:
        return Stat(
            pid=int(head.split(b" ", 1)[0]),
            ppid=int(fields[1]),
            pgid=int(fields[2]),
            sid=int(fields[3]),
            state=fields[0].decode("ascii"),
            threads=int(fields[17]),
            start=int(fields[19]),
            cpu=int(fields[11]) + int(fields[12]),
            resident=int(fields[21]),
        )
    except ValueError:
        return None


def read_stat(pid: int) -> Stat | None:
    """The stat of a process; None when there is none."""
    line = _read(f"/proc/{pid}/stat")
    return parse_stat(line) if line is not None else None


def exit_status_of_zombie(pid: int, start: int) -> int | None:
    """The raw wait status (wait(2)) of a process that has ended and that nobody has reaped yet; None for any other.

    Field 52 (proc_pid_stat(5)); the kernel shows 0 to those who may not look at the process, and we may at our own.
    """
    line = _read(f"/proc/{pid}/stat")
    stat = parse_stat(line) if line is not None else None
    if line is None or stat is None or stat.alive or stat.start != start:
        return None
    fields = line.rpartition(b")")[2].split()
    return int(fields[49]) if len(fields) > 49 else None


def environment_bytes(pid: int) -> bytes | None:
    """The environment that the process was executed with, entries ended by NUL; None when it cannot be read.

    It is the memory of the process: empty for an instant while it executes another program, and a program that sets
    its title (setproctitle) may have written over it.
    """
    return _read(f"/proc/{pid}/environ")


def parse_environment(data: bytes) -> dict[str, str]:
    """Variables by name. The first of two entries of one name counts, as in getenv(3)."""
    variables: dict[str, str] = {}
    for entry in data.split(b"\0"):
        name, equals, value = entry.partition(b"=")
        if equals and name:
            variables.setdefault(os.fsdecode(name), os.fsdecode(value))
    return variables


def real_user(pid: int) -> tuple[int, int] | None:
    """Real and saved user id of a process (proc_pid_status(5)); None when it has vanished."""
    ids = status_field(pid, b"Uid")
    if ids is None:
        return None
    real, _, saved, _ = ids.split()
    return int(real), int(saved)


def ignores(pid: int, signum: int) -> bool:
    """Whether the process ignores the signal (SigIgn of proc_pid_status(5)); False when nobody can tell."""
    mask = status_field(pid, b"SigIgn")
    return mask is not None and bool(int(mask, 16) >> (signum - 1) & 1)


def status_field(pid: int, name: bytes) -> bytes | None:
    """What ``/proc/<pid>/status`` says under a name (proc_pid_status(5)); None when it is not there."""
    prefix = name + b":"
    for line in (_read(f"/proc/{pid}/status") or b"").splitlines():
        if line.startswith(prefix):
            return line.removeprefix(prefix).strip()
    return None


def _read(path: str) -> bytes | None:
    # Unbuffered: one open, and reads until the end; most files here come in a single read.
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return None
