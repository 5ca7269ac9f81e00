"""What is said of a process, the same in every answer."""

from __future__ import annotations

import time
from collections.abc import Sequence

from persistproc_core.errors import PersistprocError
from persistproc_core.protocol import ClientInfo, Difference, Holder, Listener, OutputReply, ProcessInfo, RunInfo, State

from ...callers import Caller
from .people import because, who
from .safe import inline, quoted, short_path
from .times import after, ago, duration, epoch

__all__ = [
    "LIVE",
    "address",
    "age",
    "changed_last",
    "command",
    "difference_texts",
    "ending",
    "expires",
    "holder_name",
    "left_behind",
    "listening",
    "mend",
    "outlook",
    "past",
    "ran_for",
    "readiness_words",
    "started",
    "state_words",
    "variables",
    "what_is_so",
]

LIVE: tuple[State, ...] = ("starting", "running", "stopping")
_MOST_PORTS = 4
_MOST_URL = 200
_CANNOT_RUN = (126, 127)
"""Exit codes of a shell whose command cannot be executed, or is not found (POSIX.1-2017, XCU 2.8.2)."""
_MOST_NAMES = 8


def state_words(info: ProcessInfo | RunInfo | OutputReply) -> str:
    """``running``, ``waiting for input``, ``exited (0)``, ``failed (exit 1)``, ``killed by SIGKILL``, ``stopped``."""
    if info["state"] == "running" and info.get("waiting_for_input") is not None:
        return "waiting for input"
    if info["state"] in (*LIVE, "stopped"):
        return info["state"]
    plan = outlook(info)
    return f"{plan.replace('starts again', 'restarting', 1)}, {_how(info)}" if plan else _how(info)


def _how(info: ProcessInfo | RunInfo | OutputReply) -> str:
    if info["signal"]:
        return f"killed by {info['signal']}"
    if info["exit_code"] is None:
        return "lost (nobody saw how it ended)"
    return f"failed (exit {info['exit_code']})" if info["exit_code"] else "exited (0)"


def outlook(info: ProcessInfo | RunInfo | OutputReply) -> str:
    """What its restart policy makes of its end; empty where that is none of a policy's affairs.

    ``starts again in 4 s (2 of 5)``, ``given up after 5 restarts in a row``.
    """
    beginning = "; starts again " if info["state"] == "restarting" else "; given up after "
    _, found, rest = (info["reason"] or "").rpartition(beginning)
    return inline(f"{beginning[2:]}{rest.partition(':')[0]}", 80) if found else ""


def age(info: ProcessInfo | RunInfo | OutputReply, now: float | None = None) -> str:
    """How long it runs (``13 min``), or how long ago it ended (``3 min ago``)."""
    if info["ended_at"]:
        return ago(info["ended_at"], now)
    return duration((time.time() if now is None else now) - epoch(info["started_at"]))


def past(info: ProcessInfo | RunInfo, caller: Caller, now: float | None = None) -> str:
    """What became of an ended run: ``stopped by you 3 min ago``, ``failed (exit 1) 3 min ago; started by ...``."""
    if info["state"] == "stopped":
        return changed_last(info, caller, now)
    return f"{state_words(info)} {age(info, now)}; {started(info, caller, now)}"


def ran_for(info: ProcessInfo | RunInfo) -> str:
    """How long an ended run lasted: `` after 12 s``, or nothing where nobody knows."""
    if not info["ended_at"]:
        return ""
    return f" {after(epoch(info['ended_at']) - epoch(info['started_at']))}"


def readiness_words(info: ProcessInfo) -> str:
    """``after 1.2 s: listens on port 3000``, ``not yet, or no more``; empty where nobody asked."""
    if info["ready"] is None:
        return ""
    if not info["ready"]:
        return "not yet, or no more"
    by = f": {inline(info['ready_by'])}" if info["ready_by"] else ""
    return f"{after(info['ready_seconds'])}{by}" if info["ready_seconds"] is not None else f"yes{by}"


def ending(info: ProcessInfo | RunInfo) -> str:
    """How a run ended: ``exited with code 1``, ``was killed by SIGSEGV``, ``was stopped``, ``was lost``."""
    if info["state"] == "stopped":
        return "was stopped"
    if info["signal"]:
        return f"was killed by {info['signal']}"
    if info["exit_code"] is None:
        return "ended, and nobody saw how"
    return f"exited with code {info['exit_code']}"


def command(info: ProcessInfo | RunInfo, most: int = 200) -> str:
    """The command on one line."""
    return inline(info["command"], most)


def address(info: ProcessInfo | OutputReply, directory: str | None) -> str:
    """What to call the process from a directory: ``web``, or ``shop/web`` from outside its project."""
    return _named(info["project_directory"], info["project"], info["name"], directory)


def holder_name(holder: Holder, directory: str | None) -> str:
    """The same of a process that holds a port."""
    return _named(holder["project_directory"] or "", holder["project"] or "", holder["name"] or "", directory)


def _named(project_directory: str, project: str, name: str, directory: str | None) -> str:
    root = project_directory.rstrip("/")
    inside = directory is not None and (directory == root or directory.startswith(root + "/"))
    return inline(name if inside else f"{project}/{name}")


def mend(info: ProcessInfo, name: str) -> str:
    """What to do about one that has ended."""
    if info["captured"]:
        return "persistproc did not start it, so it cannot restart it: start its program again where it ran."
    if info["exit_code"] in _CANNOT_RUN:
        return f'Its command cannot run: give a right one to start_process(name="{info["name"]}", command=...).'
    if info["state"] == "restarting":
        return f'Mend the cause; restart_process(process="{name}") does not wait, stop_process ends it.'
    if info["state"] in ("failed", "lost"):
        return f'Mend the cause, then restart_process(process="{name}").'
    return f'restart_process(process="{name}") starts it again.'


def left_behind(info: ProcessInfo, name: str) -> str:
    """What goes on although the command has ended: a command with ``&`` at its end, a launcher."""
    count = len(info["survivors"])
    if info["state"] in LIVE or not count:
        return ""
    alive = "1 process that it started goes on" if count == 1 else f"{count} processes that it started go on"
    return f'But {alive} in the background: stop_process(process="{name}") ends that. Without & it can be watched.'


def what_is_so(error: PersistprocError, info: ProcessInfo, name: str) -> str:
    """What the daemon says of a process in an error, with the name that the caller knows it by."""
    return inline(error.message.replace(f"{info['project']}/{info['name']}", name, 1), 400)


def listening(ports: Sequence[Listener]) -> str:
    """``http://localhost:5173``, several with commas, ``:5432`` of what speaks no HTTP; empty without any."""
    found = list(dict.fromkeys(_short_url(each["url"]) or f":{each['port']}" for each in ports))
    more = len(found) - _MOST_PORTS
    return ", ".join(found[:_MOST_PORTS]) + (f" and {more} more" if more > 0 else "")


def _short_url(url: str | None) -> str:
    words = inline(url or "", _MOST_URL)
    # The path / is that of no path (RFC 3986, section 6.2.3); any other one may need its slash.
    return words[:-1] if words.count("/") == 3 and words.endswith("/") else words


def started(info: ProcessInfo | RunInfo, caller: Caller, now: float | None = None) -> str:
    """``started by cursor 12 min ago``, ``restarted by you just now: dependency update``."""
    verb = "restarted" if info["replaced_run"] is not None else "started"
    by = who(info["started_by"], caller)
    return f"{verb} by {by} {ago(info['started_at'], now)}{because(info['start_reason'])}"


def changed_last(info: ProcessInfo | RunInfo, caller: Caller, now: float | None = None) -> str:
    """Who did the last thing to it: ``stopped by cursor 3 min ago: lunch``, else who started it."""
    if info["state"] in LIVE or not info["ended_at"]:
        return started(info, caller, now)
    stopped_by: ClientInfo | None = info["stopped_by"]
    when = ago(info["ended_at"], now)
    if stopped_by is not None:
        return f"stopped by {who(stopped_by, caller)} {when}{because(info['stop_reason'])}"
    return f"ended {when}; {started(info, caller, now)}"


def expires(info: ProcessInfo, now: float | None = None) -> str:
    """``stops in 29 min unless used``, ``stops in 2 h``; empty for one without a limit."""
    at = info["expires_at"]
    if at is None:
        return ""
    left = duration(epoch(at) - (time.time() if now is None else now))
    return f"stops in {left}{' unless used' if info['idle_timeout_seconds'] is not None else ''}"


def difference_texts(differences: Sequence[Difference], given: Sequence[str]) -> list[str]:
    """What was asked for but runs otherwise. Of variables only names, and only of those in ``given``.

    The rest of the environment is the daemon's, not the caller's: that it differs was not asked for.
    """
    texts = [_difference(difference, set(given)) for difference in differences]
    return [text for text in texts if text]


def _difference(difference: Difference, given: set[str]) -> str:
    what = difference["what"]
    if what == "environment":
        names = [name for name in (*difference.get("added", []), *difference.get("changed", [])) if name in given]
        return f"environment: {variables(names)} not as you asked" if names else ""
    if what == "port" and "PORT" not in given:
        return ""
    asked, running = difference.get("asked", ""), difference.get("running", "")
    if what == "working_directory":
        asked, running = short_path(asked), short_path(running)
    else:
        asked, running = quoted(asked), quoted(running)
    return f"{what.removesuffix('_seconds').replace('_', ' ')}: you asked for {asked}, running is {running}"


def variables(names: Sequence[str], most: int = _MOST_NAMES) -> str:
    """Names of variables, the first few of many."""
    more = len(names) - most
    return ", ".join(inline(name, 60) for name in names[:most]) + (f" and {more} more" if more > 0 else "")
