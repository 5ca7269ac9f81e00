"""``persistproc daemon restart``: another daemon in place of the one that runs, as gently as that one allows."""

from __future__ import annotations

import os
import sys

from persistproc_core.errors import DaemonUnavailable, MethodNotFound, PersistprocError

from .daemon import end_silent_daemon, is_served, wait_until_gone
from .output import note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypedDict

    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import Hello

    from .context import Context

    class Restarted(TypedDict):
        """What happened, and the daemon that serves now. ``running``: live processes; none of them was touched."""

        how: Literal["replaced", "ended and started", "started"]
        pid: int
        version: str
        instance: str
        previous_pid: int | None
        previous_version: str | None
        running: int | None


__all__ = ["HELLO_SECONDS", "describe", "restart"]

HELLO_SECONDS = 10.0
"""How long a daemon may take to say hello before it counts as hung."""
PROGRAM = [sys.executable, "-m", "persistproc_core.daemon"]


def restart(context: Context) -> Restarted:
    """Replace the daemon by one of this command's version, with its interpreter and environment.

    A daemon that cannot be replaced is ended, and another one is started. Raises `ReplaceFailed` when the new one does
    not come to serve; the old one goes on then.
    """
    if not is_served(context.home().socket):
        return _start(context, "started", None)
    old: Hello | None = None
    try:
        with context.connect_to_any(HELLO_SECONDS) as client:
            old = client.hello
            restarted = _replace(context, client, old)
    except DaemonUnavailable as error:
        return _end_silent(context, error, old)
    # It answers before it ends, and whoever looks at the list of processes next would still find it there.
    wait_until_gone(old["pid"])
    return restarted


def _replace(context: Context, client: Client, old: Hello) -> Restarted:
    try:
        reply = client.replace_daemon(program=PROGRAM, environment=dict(os.environ))
    except MethodNotFound:
        note(f"the daemon {old['version']} cannot hand over; ending it, and starting another one")
        wait_until_gone(client.shutdown_daemon(stop_processes=False)["pid"])
        return _start(context, "ended and started", old)
    return {
        "how": "replaced",
        "pid": reply["pid"],
        "version": reply["version"],
        "instance": reply["instance"],
        "previous_pid": reply["previous_pid"],
        "previous_version": reply["previous_version"],
        "running": _running(client),
    }


def _end_silent(context: Context, error: DaemonUnavailable, old: Hello | None) -> Restarted:
    if old is None or not _is_followed(context, old):
        note(f"{error.message}; ending the daemon by a signal, and starting another one")
        end_silent_daemon(context.home(), old["pid"] if old else 0)
    return _start(context, "ended and started", old)


def _is_followed(context: Context, old: Hello) -> bool:
    """Whether another daemon serves by now, or none: it may have died in the middle of it."""
    if not is_served(context.home().socket):
        return True
    try:
        with context.connect_to_any(HELLO_SECONDS) as client:
            return client.hello["instance"] != old["instance"]
    except DaemonUnavailable:
        return False


def _start(context: Context, how: Literal["ended and started", "started"], old: Hello | None) -> Restarted:
    with context.connect() as client:
        hello = client.hello
        return {
            "how": how,
            "pid": hello["pid"],
            "version": hello["version"],
            "instance": hello["instance"],
            "previous_pid": old["pid"] if old else None,
            "previous_version": old["version"] if old else None,
            "running": _running(client),
        }


def _running(client: Client) -> int | None:
    try:
        return client.get_daemon_status()["running"]
    except (PersistprocError, KeyError):
        return None  # the daemon serves; the number is for people


def describe(restarted: Restarted) -> str:
    """In one line."""
    new = f"{restarted['version']} (pid {restarted['pid']})"
    old = f"daemon {restarted['previous_version']} (pid {restarted['previous_pid']})"
    if restarted["previous_pid"] is None:
        old = "the daemon that did not answer"
    touched = f"; {_untouched(restarted['running'])}" if restarted["running"] else ""
    if restarted["how"] == "started":
        return f"no daemon ran; daemon {new} started{touched}"
    if restarted["how"] == "replaced":
        return f"{old} replaced by {new}{touched}"
    return f"{old} ended, and {new} started{touched}"


def _untouched(running: int | None) -> str:
    return "1 process was not touched" if running == 1 else f"{running} processes were not touched"
