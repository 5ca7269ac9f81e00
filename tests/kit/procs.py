"""Facts about processes, straight from the kernel, and waiting for their end without polling."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Iterable, Iterator

import psutil

from tests.kit.waiting import eventually

__all__ = [
    "children_in_state_zombie",
    "descendants",
    "describe",
    "is_alive",
    "marked",
    "mentions",
    "present",
    "unseen",
    "wait_gone",
]

_LINUX = sys.platform == "linux"


@contextlib.contextmanager
def unseen(*pids: int) -> Iterator[None]:
    """What is done in the block these processes find done.

    They mend what is gone after a tenth of a second: held so long in the middle of it we would meet what they make.
    """
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        for pid in pids:
            eventually(lambda pid=pid: psutil.Process(pid).status() == psutil.STATUS_STOPPED)  # type: ignore[misc]
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def wait_gone(pid: int, within: float = 5.0) -> None:
    """Return when the process has ended (a zombie has). Raises `TimeoutError`, with its facts, when it has not."""
    if _LINUX:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            poller = select.poll()
            poller.register(handle, select.POLLIN)
            if poller.poll(within * 1000):
                return
        finally:
            os.close(handle)
    else:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if not is_alive(pid):
                return
            time.sleep(0.01)  # no pidfd here: nothing else to wait on for a process that is not our child
    raise TimeoutError(f"still there after {within} s: {describe(pid)}")


def is_alive(pid: int) -> bool:
    """True while the process runs; a zombie does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def descendants(pid: int) -> list[int]:
    """Pids of all live children and their children."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def marked(variable: str, value: str) -> list[int]:
    """Live processes, except this one, that have the variable with that value in their environment."""
    return mentions(variables=[f"{variable}={value}"], words=[])


def present() -> frozenset[int]:
    """The pids of all processes."""
    return frozenset(psutil.pids())


def mentions(variables: Iterable[str], words: Iterable[str], apart_from: frozenset[int] = frozenset()) -> list[int]:
    """Live processes, except this one, with one of the variables (``A=b``) or, in an argument, one of the words.

    Those that were there already (``apart_from``, by pid) are not looked at: reading all of /proc takes 30 ms.
    """
    wanted = {os.fsencode(variable) for variable in variables}
    sought = [os.fsencode(word) for word in words]
    found = []
    for pid in present() - apart_from - {os.getpid()}:
        environment, arguments = _environment(pid), _arguments(pid)
        if wanted.intersection(environment) or any(word in part for word in sought for part in arguments):
            found.append(pid)
    return [pid for pid in found if is_alive(pid)]


def children_in_state_zombie() -> list[int]:
    """Children of this process that ended and that nobody has waited for."""
    if hasattr(os, "waitid"):
        try:
            if os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
                return []  # the usual case, told at once
        except ChildProcessError:
            return []
    zombies = []
    for child in psutil.Process().children():
        try:
            if child.status() == psutil.STATUS_ZOMBIE:
                zombies.append(child.pid)
        except psutil.NoSuchProcess:
            continue
    return zombies


def describe(pid: int) -> str:
    """One paragraph that tells a leaked process: command, state, parents, groups, signals, what it waits on."""
    parts = [f"pid {pid}: {' '.join(os.fsdecode(part) for part in _arguments(pid)) or '(no command line)'}"]
    if _LINUX:
        wanted = ("State", "PPid", "NSpid", "NSpgid", "NSsid", "SigBlk", "SigIgn", "SigCgt", "VmRSS")
        status = _read(f"/proc/{pid}/status").decode("utf-8", "replace").splitlines()
        parts += [line.replace("\t", " ") for line in status if line.split(":")[0] in wanted]
        parts.append("wchan: " + _read(f"/proc/{pid}/wchan").decode("ascii", "replace"))
        ours = [os.fsdecode(entry) for entry in _environment(pid) if entry.startswith(b"PERSISTPROC")]
        parts.append("environment: " + " ".join(ours))
    return "\n    ".join(parts)


def _environment(pid: int) -> list[bytes]:
    if _LINUX:
        return _read(f"/proc/{pid}/environ").split(b"\0")
    try:
        return [os.fsencode(f"{name}={value}") for name, value in psutil.Process(pid).environ().items()]
    except (psutil.Error, OSError):
        return []


def _arguments(pid: int) -> list[bytes]:
    if _LINUX:
        return _read(f"/proc/{pid}/cmdline").split(b"\0")
    try:
        return [os.fsencode(part) for part in psutil.Process(pid).cmdline()]
    except (psutil.Error, OSError):
        return []


def _read(path: str) -> bytes:
    # A process may end between the listing and the read; one of another user may refuse it.
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
