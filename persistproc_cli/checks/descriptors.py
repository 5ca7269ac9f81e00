"""Are there descriptors, pipes and inotify instances enough?"""

from __future__ import annotations

import os

from .finding import Kind, ok
from .keeper import twins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .finding import Finding
    from .look import Look

__all__ = ["KINDS", "descriptors", "inotify", "inotify_instances", "pipes", "soft_limit"]

_PIPES_A_RUN = 2
_PAGES_A_PIPE = 16  # pipe(7): 65,536 bytes
_NEARLY = 0.8
_HALF = 0.5

FEW = Kind(
    "descriptors",
    "descriptors-few",
    "warning",
    "The daemon, the keeper or its holder has nearly as many files open as it may (RLIMIT_NOFILE). At the limit nothing"
    " new is started and new connections wait; nothing ends of it.",
    "stop what you do not need, or raise `nofile` in `/etc/security/limits.conf` and start the machine again",
)
PIPES = Kind(
    "pipes",
    "pipes-few",
    "warning",
    "The output of the live processes takes more than half of the pipe memory that your user may have "
    "(`fs.pipe-user-pages-soft`). Beyond it the kernel makes new pipes of all your programs tiny, and so slow.",
    "run: `sudo sysctl fs.pipe-user-pages-soft=65536`",
)
INOTIFY = Kind(
    "inotify",
    "inotify-none",
    "warning",
    "Your user has as many inotify instances as it may. The daemon does not notice then when its files are deleted, "
    "and dev servers do not notice when you save a file.",
    "run: `sudo sysctl fs.inotify.max_user_instances=1024`",
)
KINDS = (FEW, PIPES, INOTIFY)


def descriptors(look: Look, proc: str = "/proc") -> Iterator[Finding]:
    """Of the daemon, the keeper and its twin."""
    pids = {"daemon": look.lock_holder or 0}
    for each in twins(look.processes, look.home.keeper_socket):
        pids["holder" if "keeper" in pids else "keeper"] = each.pid
    used = {name: figures for name, pid in pids.items() if pid and (figures := _used(proc, pid)) is not None}
    few = [name for name, (count, limit) in used.items() if count >= limit * _NEARLY]
    text = ", ".join(f"{name} {count} of {limit}" for name, (count, limit) in used.items())
    if few:
        yield FEW.found(text)
    elif used:
        yield ok("descriptors", text)


def _used(proc: str, pid: int) -> tuple[int, int] | None:
    try:
        count = len(os.listdir(f"{proc}/{pid}/fd"))
        with open(f"{proc}/{pid}/limits", encoding="ascii") as file:
            limit = soft_limit(file.read())
    except OSError:
        return None
    return (count, limit) if limit else None


def soft_limit(limits: str) -> int | None:
    """How many files may be open, by the text of proc_pid_limits(5); None: unlimited."""
    for line in limits.splitlines():
        if line.startswith("Max open files"):
            word = line.split()[3]
            return int(word) if word.isdigit() else None
    return None


def pipes(live: int, soft: str, *, root: bool) -> Finding:
    """``live`` runs; ``soft``: the text of /proc/sys/fs/pipe-user-pages-soft (proc_sys_fs(5)), 0 is no limit."""
    allowed = int(soft) if soft.strip().isdigit() else 0
    taken = live * _PIPES_A_RUN * _PAGES_A_PIPE
    if allowed and not root and taken > allowed * _HALF:
        return PIPES.found(f"{live} live processes take {taken} of {allowed} pages")
    return ok("pipes", f"{taken} of {allowed} pages" if allowed else "no limit")


def inotify(used: int, most: str) -> Finding:
    """``used`` instances; ``most``: the text of /proc/sys/fs/inotify/max_user_instances (inotify(7))."""
    allowed = int(most) if most.strip().isdigit() else 0
    if allowed and used >= allowed:
        return INOTIFY.found(f"{used} of {allowed} instances are used")
    return ok("inotify", f"{used} of {allowed} instances" if allowed else "no limit")


def inotify_instances(look: Look, proc: str = "/proc") -> int:
    """How many our own user's processes have."""
    return sum(_instances(f"{proc}/{each.pid}/fd") for each in look.processes)


def _instances(folder: str) -> int:
    count = 0
    try:
        for name in os.listdir(folder):
            count += _is_inotify(f"{folder}/{name}")
    except OSError:
        pass  # it has ended, or may not be looked at
    return count


def _is_inotify(link: str) -> bool:
    try:
        return os.readlink(link) == "anon_inode:inotify"
    except OSError:
        return False
