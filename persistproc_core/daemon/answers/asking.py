"""What a call of get_process_output asks for: its parameters checked against each other, and runs and places found."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ...errors import InvalidParams, ProcessNotFound
from ...protocol import GetProcessOutputParams, View
from ..logs.cursors import decode_cursor
from ..logs.output import MOST_LINES
from ..logs.render import Style
from ..logs.segments import Offsets
from ..model import Process, Run
from .bookmarks import Bookmarks
from .places import Moment, Place, parse_place

__all__ = ["Question", "question"]

_DEFAULT_LINES = 100
_DEFAULT_BYTES = 32 * 1024

# What cannot be asked for together, or only together.
_EITHER = (("lines", "head"), ("lines", "cursor"), ("since", "cursor"))
_ONLY_WITH = (
    ("ignore_case", ("grep",)),
    ("invert", ("grep",)),
    ("context", ("grep",)),
    ("context_before", ("grep",)),
    ("context_after", ("grep",)),
    ("wait_seconds", ("cursor", "idle_seconds")),
)


class Question(NamedTuple):
    """What is asked for."""

    runs: tuple[Run, ...]
    """Oldest first; at least one."""
    view: View
    style: Style
    part: Literal["last", "first"]
    """Which lines of the selection."""
    lines: int
    max_bytes: int
    since: Place | None
    before: Place | None
    cursor: Offsets | None
    """Where to begin in the first of the runs."""
    params: GetProcessOutputParams


def question(process: Process, params: GetProcessOutputParams, bookmarks: Bookmarks) -> Question:
    """Check the parameters. Raises `InvalidParams`, and `ProcessNotFound` for a run that is not kept."""
    _check(params)
    since, before = (
        parse_place(name, text, process, bookmarks) if text is not None else None
        for name, text in (("since", params.get("since")), ("before", params.get("before")))
    )
    if isinstance(since, Moment) and isinstance(before, Moment) and since.time_ns > before.time_ns:
        raise InvalidParams("since is later than before: no line can be between them")
    runs, cursor = _runs(process, params)
    form = params.get("format", "plain")
    timestamps = params.get("timestamps", False)
    return Question(
        runs=runs,
        view=params.get("stream", "combined"),
        # With its time each line tells something of its own.
        style=Style(form, timestamps, form == "plain" and not timestamps),
        part="first" if "head" in params or cursor is not None else "last",
        lines=params.get("head", MOST_LINES if cursor is not None else params.get("lines", _DEFAULT_LINES)),
        max_bytes=params.get("max_bytes", _DEFAULT_BYTES),
        since=since,
        before=before,
        cursor=cursor,
        params=params,
    )


def _check(params: GetProcessOutputParams) -> None:
    for one, other in _EITHER:
        if one in params and other in params:
            raise InvalidParams(f"{one} and {other} cannot be asked for together")
    for one, others in _ONLY_WITH:
        if one in params and not any(other in params for other in others):
            raise InvalidParams(f"{one} needs {' or '.join(others)}")
    idle = params.get("idle_seconds")
    if idle is not None and "wait_seconds" in params and params["wait_seconds"] < idle:
        raise InvalidParams("wait_seconds is shorter than idle_seconds: it can never be quiet for so long")


def _runs(process: Process, params: GetProcessOutputParams) -> tuple[tuple[Run, ...], Offsets | None]:
    """The runs that are asked for, and the place in the first of them that a cursor names."""
    if not process.runs:
        raise ProcessNotFound(f"{process.name} was removed meanwhile", hint="there is nothing to read")
    cursor = params.get("cursor")
    wanted = str(params["run"]) if "run" in params else None
    if cursor == "start" or cursor is None:
        if wanted == "all" or (wanted is None and cursor is None and ("since" in params or "before" in params)):
            runs = tuple(process.runs)
        else:
            runs = (_chosen_run(process, wanted or "current"),)
        return runs, Offsets(0, 0) if cursor else None
    number, offsets = decode_cursor(cursor)
    if wanted == "all":
        runs = tuple(run for run in process.runs if run.number >= number) or tuple(process.runs[-1:])
        # The run of the cursor may have been pruned meanwhile: all of the next one is new.
        return runs, offsets if runs[0].number == number else Offsets(0, 0)
    if wanted is not None and wanted.isdecimal() and int(wanted) != number:
        raise InvalidParams(f"the cursor is one of run {number}, not of run {wanted}", hint="leave run out, or say all")
    return (_chosen_run(process, str(number)),), offsets


def _chosen_run(process: Process, text: str) -> Run:
    if text == "current":
        return process.runs[-1]
    if text == "previous":
        if len(process.runs) < 2:
            raise ProcessNotFound(f"{process.name} has no previous run", hint="it was started once")
        return process.runs[-2]
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise InvalidParams(f"run is current, previous, a number or all, not {text[:40]!r}")
    for run in process.runs:
        if run.number == int(text):
            return run
    kept = f"{process.runs[0].number} to {process.runs[-1].number}"
    raise ProcessNotFound(f"run {text} of {process.name} is not kept", hint=f"kept are {kept}")
