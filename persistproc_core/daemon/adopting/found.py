"""What the system tells of a process that somebody else started, and which of them are not to be taken."""

from __future__ import annotations

import os
import pwd
import re
import time
from typing import TYPE_CHECKING, NamedTuple

from ...errors import NotAdoptable
from ..clock import rfc3339
from ..kernel import procfs
from ..kernel.identity import HAVE_PROCFS, Identity, identity_of
from ..kernel.process_table import MARKER, environment_of
from .streams import Streams, look_at_streams

if TYPE_CHECKING:
    import psutil

__all__ = ["Found", "environment_now", "examine"]

_EXEC_SECONDS = 0.5
"""How long the command line of a process that executes another program may stay empty, on a busy machine."""

_OUR_MODULE = re.compile(r"persistproc_(core|mcp|cli)(\.\w+)*|.*/persistproc_(core|mcp|cli)/.*\.py")


class Found(NamedTuple):
    """A process that may be adopted."""

    identity: Identity
    argv: list[str]
    directory: str
    environment: dict[str, str] | None
    """None where nobody knows it any more."""
    umask: int | None
    started_at: str
    streams: Streams


def examine(pid: int) -> Found:
    """All that is known of a process. Blocks. Raises `NotAdoptable`."""
    import psutil

    identity = identity_of(pid)
    try:
        process = psutil.Process(pid)
        _check_process(process)
        argv, directory = _command_line(process), _directory(process)
        started_at = rfc3339(int(process.create_time() * 1e9))
    except psutil.AccessDenied:
        raise NotAdoptable(f"the system does not let us look at pid {pid}", hint="it protects itself") from None
    except psutil.NoSuchProcess:
        raise _not_there(pid) from None
    if identity is None:
        raise _not_there(pid)
    _check_program(pid, argv)
    environment = environment_now(identity)
    if environment is not None and MARKER in environment:
        raise NotAdoptable(
            f"pid {pid} was started by persistproc, as a process of run {environment[MARKER]}",
            hint="see: persistproc list --all",
        )
    found = Found(identity, argv, directory, environment, _umask(pid), started_at, look_at_streams(pid))
    if identity_of(pid) != identity:
        raise _not_there(pid)  # it has ended meanwhile, and what we have read may be of another one
    return found


def environment_now(identity: Identity) -> dict[str, str] | None:
    """The environment that the process was started with; None where the system does not know it any more. Blocks."""
    if HAVE_PROCFS:
        data = procfs.environment_bytes(identity.pid) or b""
        environment = procfs.parse_environment(data)
        # Empty in the middle of an exec; and a program that sets its title may have written over it.
        if len(environment) != len(data.rstrip(b"\0").split(b"\0")):
            return None
    else:
        environment = environment_of(identity.pid) or {}
    return environment if environment and identity_of(identity.pid) == identity else None


def _check_process(process: psutil.Process) -> None:
    pid = process.pid
    leader = int(procfs.status_field(pid, b"Tgid") or pid)
    if leader != pid:
        raise NotAdoptable(f"{pid} is a thread of process {leader}", hint=f"persistproc adopt {leader}")
    if pid <= 1:
        raise NotAdoptable(f"pid {pid} is the first process of the machine", hint="adopt the server itself")
    if set(process.uids()) != {os.getuid()}:
        raise NotAdoptable(
            f"pid {pid} belongs to user {_user(process.uids().effective)}", hint="only your own processes can be taken"
        )
    if process.status() in ("zombie", "dead"):
        raise NotAdoptable(f"pid {pid} has ended", hint="its parent has not looked at it yet")


def _command_line(process: psutil.Process) -> list[str]:
    # It is the memory of the process: empty for an instant of every execve(2), also after the one who started it has
    # gone on. Only those who have none pay the wait.
    deadline = time.monotonic() + _EXEC_SECONDS
    while not (argv := process.cmdline()) and time.monotonic() < deadline:
        time.sleep(0.005)
    return argv


def _check_program(pid: int, argv: list[str]) -> None:
    if not argv or not argv[0]:
        raise NotAdoptable(f"pid {pid} has no command line", hint="it is a thread of the kernel, or hides what it is")
    if _is_ours(argv):
        raise NotAdoptable(f"pid {pid} is persistproc itself", hint="adopt the server that you mean")


def _is_ours(argv: list[str]) -> bool:
    """Whether it is a part of persistproc: by an installed script, or by a module of ours after the interpreter."""
    script = argv[1] if len(argv) > 1 and os.path.basename(argv[0]).startswith("python") else argv[0]
    return os.path.basename(script) == "persistproc" or any(_OUR_MODULE.fullmatch(word) for word in argv[:5])


def _directory(process: psutil.Process) -> str:
    directory = process.cwd()
    told = (environment_of(process.pid) or {}).get("PWD", "")
    # A daemon goes to the root directory when it has started; its variables still tell where that was.
    return told if directory == "/" and os.path.isabs(told) and os.path.isdir(told) else directory


def _umask(pid: int) -> int | None:
    umask = procfs.status_field(pid, b"Umask")
    return None if umask is None else int(umask, 8)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _not_there(pid: int) -> NotAdoptable:
    return NotAdoptable(f"there is no process {pid}", hint="give its port, as :3000, or its pid")
