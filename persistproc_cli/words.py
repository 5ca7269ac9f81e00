"""Sentences about processes, the same in every verb."""

from __future__ import annotations

from .context import current_directory
from .oneline import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import TypedDict

    from persistproc_core.protocol import Difference, OutputReply, ProcessInfo, Readiness, State

    class Named(TypedDict):
        """What tells which process something is of: a reply, a notification, an event."""

        name: str
        project: str
        project_directory: str

    class Ended(TypedDict):
        """What tells of a run how it ended: a reply, an event, an entry of the history."""

        state: State
        exit_code: int | None
        signal: str | None
        reason: str | None


__all__ = [
    "LIVE",
    "address",
    "after_detach",
    "because",
    "counted",
    "difference_lines",
    "ending",
    "exit_code",
    "how_to_answer",
    "output_of_adopted",
    "port_lines",
    "ready_words",
]

LIVE = ("starting", "running", "stopping", "restarting")
"""The states of one that is not over; one that restarts is between two runs."""

EXIT_UNKNOWN = 1
_SHOWN_NAMES = 6


def exit_code(info: OutputReply | ProcessInfo) -> int:
    """The exit code that stands for a run's end: its own, 128 + signal, or 1 when nobody knows it."""
    if info["exit_code"] is not None:
        return info["exit_code"]
    name = info["signal"]
    if name is None:
        return EXIT_UNKNOWN
    import signal

    try:
        return 128 + signal.Signals[name].value
    except KeyError:
        number = name.removeprefix("SIG")
        return 128 + int(number) if number.isdigit() else EXIT_UNKNOWN


def ending(info: Ended) -> str:
    """How a run ended: ``was stopped (SIGTERM)``, ``exited with 3``, ``was killed by SIGSEGV``, ``was lost``."""
    how = f"SIG{info['signal'].removeprefix('SIG')}" if info["signal"] else f"exit code {info['exit_code']}"
    if info["state"] == "stopped":
        return f"was stopped ({how})"
    if info["state"] == "lost" or (info["signal"] is None and info["exit_code"] is None):
        return "ended, and nobody knows how"
    return f"was killed by {how}" if info["signal"] else f"ended with {how}"


def because(info: Ended) -> str:
    """Why it ended: `` by cursor: lunch``, ``: restarted by cursor``, or nothing."""
    reason = info["reason"] or ""
    if reason.startswith("stopped by "):
        return reason.removeprefix("stopped")
    return f": {reason}" if reason else ""


def counted(count: int, singular: str) -> str:
    """``1 process``, ``2 processes``."""
    return f"{count} {singular}" if count == 1 else f"{count} {singular}{'es' if singular.endswith('s') else 's'}"


def address(info: Named) -> str:
    """What to call the process from where the caller is: ``web``, or ``shop/web`` from outside its project."""
    here, project = current_directory() or "", info["project_directory"]
    inside = here == project or here.startswith(project.rstrip("/") + "/")
    return info["name"] if inside else f"{info['project']}/{info['name']}"


def port_lines(info: ProcessInfo) -> list[str]:
    """The ports that it was given: ``its port: 24611``, ``its ports: web 24611, debug 9229``; or nothing."""
    assigned = info.get("assigned_ports", {})
    if len(assigned) > 1:
        return ["its ports: " + ", ".join(f"{name} {port}" for name, port in assigned.items())]
    return [f"its port: {port}" for port in assigned.values()]


def ready_words(readiness: Readiness) -> str:
    """``ready in 1.2 s: listens on port 3000``, ``done: exited with code 0 after 0.1 s``."""
    seconds = f"{readiness['elapsed_seconds']:.2g} s"
    if readiness["outcome"] == "exited":
        return f"done: {one_line(readiness['words'])} after {seconds}"
    return f"ready in {seconds}: {one_line(readiness['words'])}"


def after_detach(name: str, back: str = "logs -f") -> str:
    """How to come back to a process, by the verb ``back``."""
    return f"come back with: persistproc {back} {name}   end it with: persistproc stop {name}"


def output_of_adopted(reason: str) -> str:
    """Where the output of an adopted process goes, from the reason of its state: ``its output is read from FILE``."""
    return f"its {reason.partition('; its ')[2]}"


def how_to_answer(name: str) -> str:
    """How to answer a process that waits for input."""
    return f"answer with: persistproc send {name} TEXT"


def difference_lines(differences: Sequence[Difference]) -> list[str]:
    """What was asked for but runs otherwise, a line each; of variables only their names."""
    return [_difference(difference) for difference in differences]


def _difference(difference: Difference) -> str:
    if difference["what"] != "environment":
        what = difference["what"].removesuffix("_seconds").replace("_", " ")
        asked, running = difference.get("asked") or "none", difference.get("running") or "none"
        return f"{what}: you asked for {asked}, running is {running}"
    parts = [
        f"{label} {_some(names)}"
        for label, names in (
            ("only yours:", difference.get("added", [])),
            ("only in the run:", difference.get("removed", [])),
            ("another value:", difference.get("changed", [])),
        )
        if names
    ]
    return f"environment: {'; '.join(parts)}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN_NAMES
    shown = ", ".join(names[:_SHOWN_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown
