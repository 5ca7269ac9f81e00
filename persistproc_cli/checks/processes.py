"""Our own user's processes, straight from /proc: no client library for it is loaded by the command line."""

from __future__ import annotations

import os

__all__ = ["Seen", "parse_stat", "seen"]

_STOPPED = "Tt"


class Seen:
    """A process."""

    __slots__ = ("argv", "pid", "ppid", "state")

    def __init__(self, pid: int, ppid: int, state: str, argv: list[str]) -> None:
        self.pid = pid
        self.ppid = ppid
        self.state = state
        """The kernel's letter (proc_pid_stat(5)): T is stopped, Z a zombie."""
        self.argv = argv
        """Empty for a zombie."""

    @property
    def is_stopped(self) -> bool:
        """True when somebody has stopped it: SIGSTOP, Ctrl-Z, a debugger."""
        return self.state in _STOPPED


def seen(proc: str = "/proc") -> list[Seen]:
    """All of them; empty where there is no such folder."""
    try:
        names = os.listdir(proc)
    except OSError:
        return []
    found = (_read(proc, name) for name in names if name.isdigit())
    return [one for one in found if one is not None]


def _read(proc: str, name: str) -> Seen | None:
    try:
        with open(os.path.join(proc, name, "stat"), "rb") as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                return None
            stat = parse_stat(file.read())
        with open(os.path.join(proc, name, "cmdline"), "rb") as file:
            words = file.read().split(b"\0")
    except OSError:
        return None  # it has ended meanwhile
    if stat is None:
        return None
    return Seen(int(name), stat[1], stat[0], [os.fsdecode(word) for word in words[:-1]])


def parse_stat(line: bytes) -> tuple[str, int] | None:
    """State and parent in a line of proc_pid_stat(5), whose second field may hold blanks and parentheses."""
    fields = line.rpartition(b")")[2].split()
    try:
        return fields[0].decode("ascii"), int(fields[1])
    except (IndexError, ValueError):
        return None
