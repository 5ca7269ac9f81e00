"""Which descriptors a process is blocked on, to read from them: from ``/proc/PID/task/TID/syscall`` (proc(5)).

It lies here because the keeper is the ancestor of the children, and where Yama restricts ptrace(2) only an ancestor
may look (Documentation/admin-guide/LSM/Yama.rst). The daemon uses it as well where it may.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["blocked_calls"]

_MOST_THREADS = 256
_MOST_DESCRIPTORS = 1024
_POLL_TO_READ = 0x01 | 0x40  # POLLIN and POLLRDNORM of <poll.h>

# System call numbers: arch/x86/entry/syscalls/syscall_64.tbl, and include/uapi/asm-generic/unistd.h for arm64.
_POLL = 7
_X86_64 = {
    0: "read",
    19: "read",  # readv
    23: "select",
    270: "select",  # pselect6
    _POLL: "poll",
    271: "poll",  # ppoll
    232: "epoll",  # epoll_wait
    281: "epoll",  # epoll_pwait
    441: "epoll",  # epoll_pwait2
}
_ARM64 = {63: "read", 65: "read", 72: "select", 73: "poll", 22: "epoll", 441: "epoll"}
_CALLS = {"x86_64": _X86_64, "amd64": _X86_64, "aarch64": _ARM64, "arm64": _ARM64}.get(os.uname().machine, {})


def blocked_calls(pid: int) -> list[bytes]:
    """One entry for each thread that is blocked until it can read: ``read 0``, ``poll 0 5``.

    The first word is read (a call that takes the data itself), select, poll or epoll; the rest are descriptors of that
    process. A select or poll with a time-out is left out. None of it is known, and the list empty, on other processors
    and systems. Raises `PermissionError` where the process may not be looked at; one that is gone has no threads.
    """
    entries = []
    for task in _tasks(pid):
        words = _read(b"/proc/%d/task/%s/syscall" % (pid, task)).split()
        # "running", "-1 ..." (blocked elsewhere), or the number and six arguments.
        if len(words) < 7 or not words[0].isdigit():
            continue
        kind = _CALLS.get(int(words[0]), "")
        if kind and not _looks_again(int(words[0]), words):
            descriptors = _READERS[kind](pid, int(words[1], 16), int(words[2], 16))
            if descriptors:
                entries.append(b" ".join([kind.encode(), *(b"%d" % fd for fd in descriptors)]))
    return entries


def _looks_again(number: int, words: list[bytes]) -> bool:
    """True for select and poll with a time-out: who redraws the screen every few seconds does not wait for an answer.

    Event loops on epoll have timers of all kinds beside the answer that they wait for.
    """
    kind = _CALLS[number]
    if kind == "select":
        return int(words[5], 16) != 0
    if kind == "poll":
        return int(words[3], 16) & 0xFFFFFFFF != 0xFFFFFFFF if number == _POLL else int(words[3], 16) != 0
    return False


def _tasks(pid: int) -> list[bytes]:
    try:
        return os.listdir(b"/proc/%d/task" % pid)[:_MOST_THREADS]
    except OSError:
        return []


def _of_read(pid: int, fd: int, buffer: int) -> list[int]:
    return [fd] if fd < 2**31 else []


def _of_select(pid: int, count: int, set_at: int) -> list[int]:
    if not set_at or count <= 0:
        return []
    # An fd_set is an array of longs; on the little-endian machines above that is one long row of bits.
    size = (min(count, _MOST_DESCRIPTORS) + 63) // 64 * 8
    bits = int.from_bytes(_memory(pid, set_at, size), "little")
    return [fd for fd in range(min(count, _MOST_DESCRIPTORS)) if bits >> fd & 1]


def _of_poll(pid: int, at: int, count: int) -> list[int]:
    data = _memory(pid, at, 8 * min(count, _MOST_DESCRIPTORS))
    found = []
    for place in range(0, len(data) - 7, 8):
        # struct pollfd, poll(2): int fd, short events, short revents.
        fd = int.from_bytes(data[place : place + 4], "little", signed=True)
        if fd >= 0 and int.from_bytes(data[place + 4 : place + 6], "little") & _POLL_TO_READ:
            found.append(fd)
    return found


def _of_epoll(pid: int, fd: int, events: int) -> list[int]:
    # One line each of what is in the set: "tfd: 0 events: 19 data: ..." (proc_pid_fdinfo(5)).
    found = []
    for line in _read(b"/proc/%d/fdinfo/%d" % (pid, fd)).splitlines():
        words = line.split()
        if len(words) > 3 and words[0] == b"tfd:" and int(words[3], 16) & _POLL_TO_READ:
            found.append(int(words[1]))
    return found


_READERS: dict[str, Callable[[int, int, int], list[int]]] = {
    "read": _of_read,
    "select": _of_select,
    "poll": _of_poll,
    "epoll": _of_epoll,
}


def _memory(pid: int, address: int, size: int) -> bytes:
    fd = _open(b"/proc/%d/mem" % pid)
    if fd < 0:
        return b""
    try:
        return os.pread(fd, size, address)
    except (OSError, OverflowError):
        return b""
    finally:
        os.close(fd)


def _read(path: bytes) -> bytes:
    fd = _open(path)
    if fd < 0:
        return b""
    try:
        data = b""
        while len(data) < 64 * 1024 and (more := os.read(fd, 16 * 1024)):
            data += more
        return data
    except PermissionError:
        raise
    except OSError:
        return b""
    finally:
        os.close(fd)


def _open(path: bytes) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:
        raise
    except OSError:
        return -1
