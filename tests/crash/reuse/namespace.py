"""A pid namespace, in which the next pid can be chosen (ns_last_pid, pid_namespaces(7))."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

__all__ = ["NEXT_PID", "command_in_namespace", "reap", "take_pid"]

NEXT_PID = "/proc/sys/kernel/ns_last_pid"

_PROBE = f"import os; open({NEXT_PID!r}, 'w').write('100'); assert os.posix_spawn('/bin/true', ['true'], {{}}) == 101"
_TRIES = 50


def command_in_namespace() -> list[str] | None:
    """What to put before a command so that it is process 1 of a namespace of its own; None where that is refused."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return None
    for user in ([], ["--user", "--map-root-user"]):
        command = [unshare, *user, "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]
        probe = [*command, sys.executable, "-I", "-S", "-c", _PROBE]
        with suppress(OSError, subprocess.TimeoutExpired):
            if subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True, timeout=20).returncode == 0:
                return command
    return None


def reap(pid: int, within: float = 5.0) -> None:
    """Wait for an orphan that is ours because we are process 1: only then is its number free."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return
        except ChildProcessError:
            if not os.path.exists(f"/proc/{pid}"):
                return  # its parent has seen to it
        time.sleep(0.001)
    raise TimeoutError(f"{pid} is still there")


def take_pid(wanted: int) -> int:
    """Fork a stranger that has this number, in a group and a session of that number. Raises `TimeoutError`."""
    for _ in range(_TRIES):
        with open(NEXT_PID, "w", encoding="ascii") as file:
            file.write(str(wanted - 1))
        pid = stranger()
        if pid == wanted:
            return pid
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    raise TimeoutError(f"the kernel did not give {wanted}")


def stranger() -> int:
    """A process that leads a group and a session and has nothing to do with us."""
    return os.posix_spawn("/bin/sleep", ["sleep", "10000"], {}, setsid=True)
