"""Who a process is: a pid alone may be somebody else's by now, so every signal goes through the checks of this module.

An identity is (boot id, pid, start time). Two processes of one boot never share pid and start time, and nothing of a
former boot is alive. Where the kernel has pidfds (pidfd_open(2), Linux 5.3) a `Handle` holds one, so that the number
cannot be reused between the check and the signal.
"""

from __future__ import annotations

import errno
import os
import signal
import struct
import sys
from functools import lru_cache
from typing import NamedTuple

from . import procfs

__all__ = [
    "Handle",
    "Identity",
    "boot_id",
    "command_line",
    "exit_status_from_kernel",
    "identity_of",
    "is_alive",
    "program_name",
    "send_to",
]

HAVE_PROCFS = procfs.have_procfs()
HAVE_PIDFD = hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")


class Identity(NamedTuple):
    """One process, for ever."""

    boot_id: str
    pid: int
    start: int
    """Linux: clock ticks since boot (proc_pid_stat(5), field 22). Elsewhere: microseconds since 1970."""


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Names this boot of the machine; another one after each reboot."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return _boot_session() or _boot_time()


def _boot_session() -> str:
    if sys.platform == "darwin":
        # The boot *time* moves when the clock is set, and every run would be lost; the session's id does not.
        import ctypes

        libc = ctypes.CDLL(None)
        buffer = ctypes.create_string_buffer(64)
        size = ctypes.c_size_t(len(buffer))
        failed = libc.sysctlbyname(b"kern.bootsessionuuid", buffer, ctypes.byref(size), None, ctypes.c_size_t(0))
        return "" if failed else buffer.value.decode("ascii", "replace").lower()
    return ""


def _boot_time() -> str:
    import psutil

    return f"boot-{int(psutil.boot_time())}"


def identity_of(pid: int) -> Identity | None:
    """The identity of the process that has this pid now, also when it is a zombie; None when there is none."""
    if pid <= 0:
        return None
    if HAVE_PROCFS:
        stat = procfs.read_stat(pid)
        return None if stat is None else Identity(boot_id(), pid, stat.start)
    start = _start_by_psutil(pid)
    return None if start is None else Identity(boot_id(), pid, start)


def _start_by_psutil(pid: int) -> int | None:
    import psutil

    try:
        return round(psutil.Process(pid).create_time() * 1_000_000)
    except psutil.Error:
        return None


def is_alive(identity: Identity) -> bool:
    """True while exactly this process runs; a zombie has ended, even though it still has its pid."""
    if identity.pid <= 0 or identity.boot_id != boot_id():
        return False
    if HAVE_PROCFS:
        stat = procfs.read_stat(identity.pid)
        return stat is not None and stat.start == identity.start and stat.alive
    return _is_alive_by_psutil(identity)


def _is_alive_by_psutil(identity: Identity) -> bool:
    import psutil

    try:
        process = psutil.Process(identity.pid)
        start = round(process.create_time() * 1_000_000)
        return start == identity.start and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


class Handle:
    """A hold on one process: it is signalled, or nobody is.

    Make one with `open`; close it, or use it in a ``with`` block.
    """

    __slots__ = ("_fd", "identity")

    def __init__(self, identity: Identity, fd: int) -> None:
        self.identity = identity
        self._fd = fd

    @classmethod
    def open(cls, identity: Identity, *, pidfd: bool = HAVE_PIDFD) -> Handle | None:
        """A handle for the process; None when it is gone (or only its number is left, on somebody else).

        The pids 0 and 1 and our own are refused: no run of ours has them. ``pidfd=False`` uses checked kill(2) calls,
        as it is done where there are no pidfds.
        """
        if identity.pid <= 1 or identity.pid == os.getpid() or identity.boot_id != boot_id():
            return None
        fd = -1
        if pidfd:
            try:
                fd = os.pidfd_open(identity.pid)
            except OSError as error:
                if error.errno == errno.ESRCH:
                    return None
                # ENOSYS in an old sandbox, EMFILE: the checked kill is next best, and better than no stop at all.
        # Only after opening: the number may have gone to somebody else between the caller's look and the open.
        if identity_of(identity.pid) != identity:
            _close(fd)
            return None
        return cls(identity, fd)

    @property
    def fd(self) -> int:
        """The pidfd, readable once the process has ended; -1 where there is none, and after `close`."""
        return self._fd

    def send(self, signum: int) -> bool:
        """Send a signal; 0 only asks. False when the process is gone, or has become another user's (setuid)."""
        try:
            if self._fd >= 0:
                signal.pidfd_send_signal(self._fd, signum)
            elif identity_of(self.identity.pid) == self.identity:
                os.kill(self.identity.pid, signum)
            else:
                return False
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def is_alive(self) -> bool:
        """True while the process runs; a zombie does not."""
        return is_alive(self.identity)

    def close(self) -> None:
        """Let go. Closing twice is fine."""
        # The number is forgotten first: a second close would close whatever file has that number by then.
        fd, self._fd = self._fd, -1
        _close(fd)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def send_to(identity: Identity, signum: int) -> None:
    """Send a signal to this very process; nothing happens where `Handle.open` gives none."""
    handle = Handle.open(identity)
    if handle is not None:
        with handle:
            handle.send(signum)


def _close(fd: int) -> None:
    if fd >= 0:
        os.close(fd)


# struct pidfd_info and PIDFD_GET_INFO, <linux/pidfd.h>: u64 mask, u64 cgroup id, eleven u32 (pid, tgid, ppid and the
# user and group ids), s32 exit code.
_PIDFD_INFO = struct.Struct("=QQ11Ii")
_PIDFD_INFO_EXIT = 1 << 3
_PIDFD_GET_INFO = (3 << 30) | (_PIDFD_INFO.size << 16) | (0xFF << 8) | 11


def exit_status_from_kernel(pidfd: int) -> int | None:
    """The raw wait status (wait(2), for `os.waitstatus_to_exitcode`) of a process that ended, child or not.

    Linux 6.15 and later, and only once somebody has reaped the process; None before that and everywhere else. The
    pidfd must have been opened while the process was there.
    """
    import fcntl

    request = _PIDFD_INFO.pack(_PIDFD_INFO_EXIT, *([0] * 13))
    try:
        reply = fcntl.ioctl(pidfd, _PIDFD_GET_INFO, request)
    except OSError:
        return None
    fields: tuple[int, ...] = _PIDFD_INFO.unpack(reply)
    return fields[-1] if fields[0] & _PIDFD_INFO_EXIT else None


def command_line(pid: int) -> str:
    """The command line of a process, for people; empty when it is gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        return " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return ""


def program_name(pid: int) -> str:
    """The name of what a process executes, its first 15 bytes on Linux (proc_pid_comm(5)); empty when it is gone."""
    if HAVE_PROCFS:
        try:
            with open(f"/proc/{pid}/comm", "rb") as file:
                return os.fsdecode(file.read().rstrip(b"\n"))
        except OSError:
            return ""
    import psutil

    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return ""
