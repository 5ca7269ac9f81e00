"""Starting the daemon when a client finds none: one daemon, however many clients try at once.

What can happen between two clients A and B that both found no daemon, and what each step is there for:

* A and B would both start one: ``start.lock`` (flock, never unlinked) lets one at a time try.
* B gets the lock after A has started the daemon and released it, all of that between B's connect and B's lock:
  whoever has the lock connects once more before it starts anything.
* A is killed while it holds the lock: the kernel releases a flock with its last descriptor, and no descriptor of it is
  inherited by what A spawns. A daemon that A had spawned by then comes up on its own; B's daemon finds its lock
  taken, says ready and leaves.
* A is stopped (SIGSTOP) while it holds the lock: B has a deadline. B also tries to connect while it waits, so that a
  daemon that is up is used at once, whoever still holds the lock.
* Somebody deleted the socket of a daemon that lives: a second one could not have its lock; it is asked for another
  socket (see `waking`).
* The daemon ends after its ready line and before our connect: the caller of `ensure_daemon` tries again.
"""

from __future__ import annotations

import os
import sys
import time
from _socket import AF_UNIX, SOCK_STREAM, socket  # the module ``socket`` costs 5 ms of a 15 ms interpreter start

from ..errors import DaemonUnavailable, UnsafeHome, error_from_wire
from . import lightjson

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess

    from ..paths import Home

__all__ = [
    "NOBODY_ANSWERS",
    "PAUSE",
    "connect",
    "connect_once",
    "ensure_daemon",
    "keeps_ending",
    "not_running",
    "queue_full",
    "wake_daemon",
]

NOBODY_ANSWERS = (FileNotFoundError, ConnectionRefusedError, ConnectionResetError, ConnectionAbortedError)
"""What connecting raises when no daemon listens: no socket, or one that a dead daemon left behind (unix(7))."""

PAUSE = 0.02
"""Seconds between two tries at what nothing can wake us for: another client's lock, a full listen queue."""

_READY_LINE_BYTES = 65536


def connect_once(path: str) -> socket | None:
    """A connection to the daemon's socket, non-blocking; None when its listen queue is full: try again soon.

    Raises one of `NOBODY_ANSWERS` when no daemon listens there and `DaemonUnavailable` for anything else that is in
    the way.
    """
    sock = socket(AF_UNIX, SOCK_STREAM)
    try:
        sock.settimeout(0)
        sock.connect(os.fsencode(path))
    except BaseException as error:
        sock.close()
        if isinstance(error, BlockingIOError):
            # Linux says EAGAIN and forgets about the attempt, unlike with TCP (connect(2)).
            return None
        if isinstance(error, OSError) and not isinstance(error, NOBODY_ANSWERS):
            raise DaemonUnavailable(f"cannot connect to {path}: {error.strerror or error}") from None
        raise
    return sock


def connect(path: str, deadline: float) -> socket:
    """As `connect_once`, waiting for a place in the listen queue until the deadline (of `time.monotonic`)."""
    while True:
        sock = connect_once(path)
        if sock is not None:
            return sock
        if time.monotonic() >= deadline:
            raise queue_full()
        time.sleep(PAUSE)


def queue_full() -> DaemonUnavailable:
    """The error for a daemon that listens but does not accept."""
    return DaemonUnavailable("the daemon is there but accepts no connection", hint="run: persistproc doctor")


def not_running(home: Home) -> DaemonUnavailable:
    """The error for a client that may not start a daemon."""
    return DaemonUnavailable(f"no persistproc daemon runs in {home.path}", hint="run: persistproc daemon start")


def keeps_ending(home: Home) -> DaemonUnavailable:
    """The error for daemons that start and are gone before they can be used."""
    return DaemonUnavailable("the daemon starts but ends at once", hint=f"see {home.log}")


def ensure_daemon(home: Home, deadline: float) -> bool:
    """See to it that a daemon runs: start one, or wait for the one that another client starts. True when we did.

    Raises `UnsafeHome`, `DaemonUnavailable` when none is ready by the deadline, and whatever error kept it from
    starting.
    """
    import errno

    from ..lock_file import open_lock

    home.ensure()
    try:
        lock = open_lock(home.start_lock)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnsafeHome(f"{home.start_lock} is a symbolic link", hint="remove it") from None
        raise DaemonUnavailable(f"cannot open {home.start_lock}: {error.strerror}") from None
    try:
        if not _lock_or_answer(lock, home, deadline):
            return False
        if wake_daemon(home, deadline):
            return False
        _launch(home, deadline)
        return True
    finally:
        os.close(lock)


def wake_daemon(home: Home, deadline: float) -> bool:
    """Have a daemon that lives without a socket make one (see `waking`). True as soon as it answers."""
    from .waking import wake_daemon as wake  # who finds the daemon need not pay for it

    return wake(home, deadline)


def _lock_or_answer(lock: int, home: Home, deadline: float) -> bool:
    """True with the lock and no daemon, False as soon as a daemon answers."""
    from ..lock_file import try_lock

    while True:
        locked = try_lock(lock)
        # After the lock, not before: the daemon may have come up between the look and the lock.
        if _answers(home, deadline):
            return False
        if locked:
            return True
        if time.monotonic() >= deadline:
            raise DaemonUnavailable(
                "another client is starting the daemon and has not come to an end",
                hint=f"try again; see {home.log}",
            )
        time.sleep(PAUSE)


def _answers(home: Home, deadline: float) -> bool:
    try:
        connect(home.socket, deadline).close()
    except NOBODY_ANSWERS:
        return False
    return True


def _launch(home: Home, deadline: float) -> None:
    read_end, write_end = os.pipe()
    try:
        try:
            starter = _spawn(home, write_end)
        finally:
            # Ours must go, or the end of a daemon that says nothing would never reach us as an end-of-file.
            os.close(write_end)
        try:
            line = _read_line(read_end, deadline, home)
        except BaseException:
            _reap(starter, 0)
            raise
        status = _reap(starter, deadline - time.monotonic())
    finally:
        os.close(read_end)
    _judge(line, status, home)


def _spawn(home: Home, ready_fd: int) -> subprocess.Popen[bytes]:
    import subprocess

    if not sys.executable:
        raise DaemonUnavailable("cannot tell which Python runs this program", hint="run: persistproc daemon start")
    try:
        return subprocess.Popen(
            [*_command(home), "--detach", "--ready-fd", str(ready_fd)],
            # Not where we are: a file of the project called json.py would be imported instead of the module.
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(ready_fd,),
            # A Ctrl-C at our terminal must not reach a daemon that is half born.
            start_new_session=True,
        )
    except OSError as error:
        raise DaemonUnavailable(f"cannot start {sys.executable}: {error.strerror}") from None


def _command(home: Home) -> list[str]:
    return [sys.executable, "-m", "persistproc_core.daemon", "--home", home.path]


def _read_line(fd: int, deadline: float, home: Home) -> bytes:
    """The daemon's first line, or what there is of it at end-of-file."""
    from ..background import first_line

    line = first_line(fd, deadline, _READY_LINE_BYTES)
    if line is None:
        raise DaemonUnavailable("the daemon was not ready in time", hint=f"try again; see {home.log}")
    return line


def _reap(starter: subprocess.Popen[bytes], seconds: float) -> int:
    """Collect the process that detaches the daemon, so that a long-lived program keeps no zombie of it."""
    import subprocess

    try:
        # It leaves as soon as it has forked; what takes longer than this will not.
        return starter.wait(max(seconds, 0.0))
    except subprocess.TimeoutExpired:
        starter.kill()
        return starter.wait()


def _judge(line: bytes, status: int, home: Home) -> None:
    if line == b"ready\n":
        return
    word, _, rest = line.partition(b" ")
    if word == b"error":
        try:
            error = lightjson.loads(rest.strip())
        except ValueError:
            error = None
        if isinstance(error, dict):
            raise error_from_wire(error)
    how = f"exit status {status}" if status else "without a word"
    raise DaemonUnavailable(
        f"the daemon ended before it was ready ({how})", hint=f"to see why, run: {_shell_text(_command(home))}"
    )


def _shell_text(command: list[str]) -> str:
    import shlex

    return shlex.join(command)
