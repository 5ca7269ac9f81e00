"""Which computer we run on, and which one has noted in a home on a network file system that it uses it."""

from __future__ import annotations

import json
import os
from typing import NamedTuple

__all__ = ["Host", "note_path", "noted_host", "this_host"]

_MACHINE_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_MOST_BYTES = 4096


class Host(NamedTuple):
    """A computer, for telling it from another."""

    name: str
    machine: str
    """machine-id(5); empty where there is none."""
    boot: str

    def is_same(self, other: Host) -> bool:
        """Whether it is the same computer: by its boot, then by its id, by its name where it has none."""
        if self.boot == other.boot:
            return True
        return self.machine == other.machine if self.machine and other.machine else self.name == other.name


def this_host(boot: str) -> Host:
    """The computer that we run on; ``boot`` is the id of its boot."""
    return Host(os.uname().nodename, next(filter(None, map(_first_line, _MACHINE_IDS)), ""), boot)


def note_path(home: str) -> str:
    """Where in a home the note lies: name, machine and boot, as JSON."""
    return os.path.join(home, "host")


def noted_host(home: str) -> Host | None:
    """Who has noted that he uses the home; None when there is no note, or nothing that we wrote."""
    try:
        with open(os.open(note_path(home), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), encoding="utf-8") as file:
            name, machine, boot = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return Host(name, machine, boot) if all(isinstance(each, str) for each in (name, machine, boot)) else None


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""
