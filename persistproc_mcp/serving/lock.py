"""One bridge a home: the lock that it holds for life."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping

from persistproc_core.errors import UnsafeHome
from persistproc_core.lock_file import is_of_name, open_lock, try_lock
from persistproc_core.paths import Home

__all__ = ["LockTaken", "hold_again", "note", "noted", "take_lock"]

_LONGEST = 65536


class LockTaken(Exception):
    """Another bridge has the lock that is there now."""


def take_lock(home: Home) -> int | None:
    """The descriptor of the home's lock, to be kept open for life; None while another bridge has it.

    Raises `UnsafeHome`.
    """
    try:
        fd = open_lock(home.bridge_lock)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnsafeHome(f"{home.bridge_lock} is a symbolic link", hint="remove it") from None
        raise UnsafeHome(f"cannot open {home.bridge_lock}: {error.strerror}", hint="check the folder") from None
    if try_lock(fd):
        return fd
    os.close(fd)
    return None


def hold_again(home: Home, lock: int) -> int:
    """The lock of that name: the one that we hold, or, when its file was deleted, a new one that says the same.

    Raises `LockTaken`, `UnsafeHome`, and `OSError` when it cannot be told.
    """
    if is_of_name(home.bridge_lock, lock):
        return lock
    new = take_lock(home)
    if new is None:
        raise LockTaken
    _write(new, os.pread(lock, _LONGEST, 0))
    os.close(lock)
    return new


def note(lock: int, facts: Mapping[str, object]) -> None:
    """Write down who holds the lock, and how it serves: for people, and for the one that comes after a crash."""
    _write(lock, json.dumps(facts).encode() + b"\n")


def _write(lock: int, line: bytes) -> None:
    try:
        # In this order: killed in between, we leave a whole first line, and the one before us did not serve in vain.
        os.pwrite(lock, line, 0)
        os.ftruncate(lock, len(line))
    except OSError:
        pass  # the disk is full


def noted(home: Home) -> dict[str, object]:
    """What the last holder of the lock has written down; without its pid when it ended as it should."""
    try:
        with open(home.bridge_lock, encoding="utf-8", errors="replace") as file:
            facts: object = json.loads(file.readline(_LONGEST))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}
