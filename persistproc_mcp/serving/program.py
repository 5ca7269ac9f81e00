"""The bridge as a program: the lock, the sockets, then a process that serves and one that watches it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable

from persistproc_core.errors import DaemonUnavailable, InvalidParams

from ..guard.peer import users_can_be_told
from ..settings import DEFAULT_HOST, DEFAULT_PORT, About, Settings
from .asking import about_home
from .files import Files
from .life import live
from .lock import note, noted, take_lock
from .sockets import PortTaken, address_of, bind_port, is_loopback
from .token import read_token, token_of
from .wanted import Outcome, Wanted, as_before, check_content, facts_to_keep, serving_facts
from .watch import HandOver, serve_watched

__all__ = ["run"]

_DECIDED_SECONDS = 15.0
_LOOK_SECONDS = 0.05
_FILES = 1024
"""Enough for the most connections that the guard lets in, and one to the daemon for each."""


def run(wanted: Wanted, tell: Callable[[Outcome], None]) -> int:
    """Be the bridge of this home, if there is none; ``tell`` is called once, when requests are answered.

    Returns the exit code. Raises `PersistprocError` for whatever kept it from serving.
    """
    _check_host(wanted)
    wanted.home.ensure()
    lock = _lock_or_other(wanted, tell)
    if lock is None:
        return 0
    files = Files(wanted.home, lock)
    try:
        if not wanted.foreground:
            # Agents know the URL of the last one, and nobody looks on who could tell them another.
            wanted = as_before(wanted, noted(wanted.home))
        port = _hold(wanted, files, tell)
        note(files.lock, facts_to_keep(wanted, port))
    finally:
        os.close(files.lock)
    return 0


def _check_host(wanted: Wanted) -> str:
    """The address to listen on. Raises `InvalidParams`."""
    address = address_of(wanted.host or DEFAULT_HOST)
    if not wanted.no_port and not is_loopback(address) and not (wanted.token or wanted.token_file):
        raise InvalidParams(
            f"other machines could reach {wanted.host}, so it needs a token: whoever calls the port may run any command"
            " as you",
            hint="add --token, or leave --host out",
        )
    return address


def _lock_or_other(wanted: Wanted, tell: Callable[[Outcome], None]) -> int | None:
    """The lock; None when another bridge answers. One that has it may not answer yet, or not any more."""
    deadline = time.monotonic() + _DECIDED_SECONDS
    while True:
        lock = take_lock(wanted.home)
        if lock is not None:
            return lock
        left = deadline - time.monotonic()
        other = about_home(wanted.home, max(left, _LOOK_SECONDS))
        if other is not None:
            check_content(wanted, other)
            tell(Outcome(other, already=True))
            return None
        if left <= 0:
            pid = noted(wanted.home).get("pid", "unknown")
            raise DaemonUnavailable(
                f"a bridge (pid {pid}) holds {wanted.home.bridge_lock} but does not answer",
                hint=f"see {wanted.home.bridge_log}; to end it: kill -9 {pid}",
            )
        time.sleep(_LOOK_SECONDS)


def _hold(wanted: Wanted, files: Files, tell: Callable[[Outcome], None]) -> int | None:
    """Serve until a signal ends it; returns the port that was bound."""
    # No umask, and no more limits than needed: a daemon that is started from here hands them on to all processes.
    _raise_file_limit()
    listeners, settings = _bind(wanted)
    # A token from another file is not ours to write.
    files.listen(settings.token if wanted.token_file is None else None)
    note(files.lock, {"pid": os.getpid(), **serving_facts(wanted, settings.port)})

    def life(answers: Callable[[About], None], hand_over: HandOver, how_the_last_ended: str) -> None:
        foreground, how = wanted.foreground, how_the_last_ended
        live(settings, listeners, files, answers, hand_over, how_the_last_ended=how, foreground=foreground)

    try:
        os.chdir("/")
        serve_watched(wanted.home, life, lambda told: tell(Outcome(told, already=False)), files)
    finally:
        files.remove()
        for listener in [*listeners, files.unix.socket]:
            listener.close()
    return settings.port


def _bind(wanted: Wanted) -> tuple[list[socket.socket], Settings]:
    address = _check_host(wanted)
    settings = Settings(wanted.home, address, None, _token(wanted))
    if wanted.no_port:
        return [], settings
    port = DEFAULT_PORT if wanted.port is None else wanted.port
    try:
        listener = bind_port(address, port)
    except PortTaken as taken:
        from .holders import who_has  # late: it is seldom needed

        problem = f"{taken.message}: {who_has(address, port, wanted.home)}"
        if not wanted.port_if_free:
            raise PortTaken(problem, hint="choose another one: --port N") from None
        return [], settings._replace(port_problem=problem)
    return [listener], settings._replace(port=listener.getsockname()[1])


def _token(wanted: Wanted) -> str | None:
    if wanted.token_file is not None:
        return read_token(wanted.token_file)
    # Where the kernel does not tell whose the other end of a TCP connection is, a token has to.
    if wanted.token or (not wanted.no_port and not users_can_be_told()):
        return token_of(wanted.home.token)
    return None


def _raise_file_limit() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
