"""Starting one child: fork, a gate, exec.

The child waits at a gate (a pipe) until its pid is on disk; if the keeper dies before, the read ends and the child
leaves without having run. An error before or at exec comes back through a second pipe that closes by itself when exec
succeeds. This process has one thread and some MiB of memory, so a plain fork is safe and takes about a millisecond, and
the code between fork and exec is ordinary code; nobody else may do this (a fork beside threads can deadlock).
"""

from __future__ import annotations

import errno
import os
import resource
import signal

from .terminal import become_controlling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Order", "Spawned", "spawn", "start_time"]


class Order:
    """What to start. Everything is bytes, as exec(3) takes it."""

    __slots__ = ("argv", "cwd", "directory", "environment", "ignored", "limits", "terminal", "umask")

    def __init__(
        self,
        directory: bytes,
        cwd: bytes,
        argv: list[bytes],
        environment: dict[bytes, bytes],
        umask: int,
        limits: list[tuple[str, int, int]],
        ignored: list[int],
        terminal: int = -1,
    ) -> None:
        """``terminal``: the slave, when the command gets one instead of FIFOs."""
        self.directory = directory
        self.cwd = cwd
        self.argv = argv
        self.environment = environment
        self.umask = umask
        self.limits = limits
        self.ignored = ignored
        self.terminal = terminal


class Spawned:
    """A forked child: `report` is readable when exec succeeded (end of file) or failed (``stage errno detail``)."""

    __slots__ = ("pid", "report", "start")

    def __init__(self, pid: int, start: bytes, report: int) -> None:
        self.pid = pid
        self.start = start
        self.report = report


def start_time(pid: int) -> bytes:
    """Start of a process in clock ticks since boot: field 22 of /proc/pid/stat (proc(5)); empty where there is none."""
    try:
        fd = os.open(b"/proc/%d/stat" % pid, os.O_RDONLY)
    except OSError:
        return b""
    try:
        text = os.read(fd, 2048)
    finally:
        os.close(fd)
    # The command name in parentheses may hold spaces and parentheses: count from the last one.
    fields = text[text.rfind(b")") + 1 :].split()
    return fields[19] if len(fields) > 19 else b""


def spawn(order: Order, record: Callable[[int, bytes], None]) -> Spawned:
    """Fork, call ``record(pid, start)``, open the gate. Raises `OSError` when there is no process or descriptor left.

    When ``record`` raises, the child has not run the command and is gone.
    """
    fds: list[int] = []
    try:
        fds += os.pipe()
        fds += os.pipe()
        pid = os.fork()
    except OSError:
        for fd in fds:
            os.close(fd)
        raise
    gate_read, gate_write, report_read, report_write = fds
    if pid == 0:
        _child(order, gate_read, gate_write, report_write)
    os.close(gate_read)
    os.close(report_write)
    try:
        start = start_time(pid)
        record(pid, start)
        os.write(gate_write, b"g")
    except OSError:
        os.close(gate_write)
        os.close(report_read)
        os.waitpid(pid, 0)
        raise
    os.close(gate_write)
    return Spawned(pid, start, report_read)


def _child(order: Order, gate_read: int, gate_write: int, report: int) -> None:
    """The rest of the child's life before exec. Never returns."""
    stage = b"gate"
    detail = b""
    try:
        os.close(gate_write)
        os.setsid()
        _default_signals(order.ignored)
        if os.read(gate_read, 1) != b"g":
            # The keeper died. The note of our pid would say that the command had run.
            os.unlink(os.path.join(order.directory, b"spawned"))
            os._exit(125)
        stage, detail = b"directory", order.cwd
        os.chdir(order.cwd)
        stage, detail = b"output", order.directory
        if order.terminal >= 0:
            become_controlling(order.terminal)
        else:
            _open_streams(order.directory)
        stage = b"limits"
        os.umask(order.umask)
        for name, soft, hard in order.limits:
            detail = name.encode()
            resource.setrlimit(getattr(resource, "RLIMIT_" + name.upper()), (soft, hard))
        stage, detail = b"exec", order.argv[0]
        _execute(order)
    except OSError as error:
        _report(
            report, stage, error.errno or errno.EINVAL, error.filename if isinstance(error.filename, bytes) else detail
        )
    except Exception:
        # Whatever it is (a limit that is no C number): without a report, the closed pipe would say that exec succeeded.
        _report(report, stage, errno.EINVAL, detail)
    finally:
        os._exit(125)


def _report(report: int, stage: bytes, errno: int, detail: bytes) -> None:
    os.write(report, b"%s %d %s" % (stage, errno, detail[:3000]))


def _default_signals(ignored: list[int]) -> None:
    # Python itself ignores SIGPIPE and SIGXFSZ, and whoever started the daemon may have ignored more (nohup, a shell's
    # background jobs): without this every child is born deaf to those signals (signal(7), execve(2)).
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            try:
                signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
            except (OSError, ValueError):
                pass
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _open_streams(directory: bytes) -> None:
    # Read-write: the child itself keeps its FIFOs open at both ends, so nobody gets SIGPIPE or end-of-file whoever dies
    # (fifo(7): opening for reading and writing never blocks).
    for target, name in ((0, b"stdin"), (1, b"stdout"), (2, b"stderr")):
        fd = os.open(os.path.join(directory, name), os.O_RDWR)
        if fd == target:
            os.set_inheritable(fd, True)
        else:
            os.dup2(fd, target)
            os.close(fd)


def _execute(order: Order) -> None:
    """execve(2) with the search of execvp(3), on the child's own PATH."""
    program = order.argv[0]
    if b"/" in program:
        os.execve(program, order.argv, order.environment)
    refused: OSError | None = None
    for folder in order.environment.get(b"PATH", os.defpath.encode()).split(b":"):
        try:
            os.execve(os.path.join(folder or b".", program), order.argv, order.environment)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as error:
            refused = error
    raise refused or FileNotFoundError(2, "not found", program)
