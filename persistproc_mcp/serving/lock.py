"""One bridge a home: the lock that it holds for life."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Mapping

from persistproc_core.errors import UnsafeHome
from persistproc_core.paths import Home

__all__ = ["LockTaken", "hold_again", "note", "noted", "take_lock"]

_LONGEST = 65536


class LockTaken(Exception):
    """Another bridge has the lock that is there now."""


def take_lock(home: Home) -> int | None:
    """The descriptor of the home's lock, to be kept open for life; None while another bridge has it.

    flock(2): the kernel gives it up with the last descriptor, however the process ends. The file is never unlinked, or
    two bridges could each hold a lock on a file of that name. Raises `UnsafeHome`.
    """
    try:
        fd = os.open(home.bridge_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnsafeHome(f"{home.bridge_lock} is a symbolic link", hint="remove it") from None
        raise UnsafeHome(f"cannot open {home.bridge_lock}: {error.strerror}", hint="check the folder") from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def hold_again(home: Home, lock: int) -> int:
    """The lock of that name: the one that we hold, or, when its file was deleted, a new one that says the same.

    Raises `LockTaken`, `UnsafeHome`, and `OSError` when it cannot be told.
    """
    try:
        if os.path.samestat(os.lstat(home.bridge_lock), os.fstat(lock)):
            return lock
    except FileNotFoundError:
        pass
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
