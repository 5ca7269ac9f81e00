"""Places in the output of a process, as callers name them: a time, an age, a mark, or a cursor of an earlier reply."""

from __future__ import annotations

from typing import NamedTuple

from ...errors import InvalidParams
from ..logs.boundaries import line_begin
from ..logs.cursors import decode_cursor
from ..logs.segments import STREAMS, Offsets
from ..logs.snapshot import Snapshot
from ..model import Process, Run
from .bookmarks import Bookmark, Bookmarks
from .times import parse_moment

__all__ = ["Cursor", "Moment", "Place", "begins_after", "first_after", "last_before", "parse_place"]

_FORMS = "an age (10s, 5m, 2h, 1d), a time (2026-01-02T03:04:05Z), mark:NAME, or a cursor of an earlier reply"


class Moment(NamedTuple):
    """A time."""

    time_ns: int
    """Wall clock, nanoseconds since 1970."""


class Cursor(NamedTuple):
    """A place in one run; all of the earlier runs lies before it, all of the later ones behind it."""

    run: int
    offsets: Offsets


Place = Moment | Cursor | Bookmark


def parse_place(parameter: str, text: str, process: Process, bookmarks: Bookmarks) -> Place:
    """The place. Raises `InvalidParams`, which names the parameter and what it may be."""
    if text.startswith("mark:"):
        return bookmarks.find(process.project_directory, text[5:])
    if text.count(":") == 2 and text.replace(":", "").isdecimal():
        place = Cursor(*decode_cursor(text))
        if place.run > process.runs[-1].number:
            # A time of day looks like one.
            raise InvalidParams(f"{parameter} is {text}, a cursor of a run that there never was", hint=f"give {_FORMS}")
        return place
    try:
        return Moment(parse_moment(parameter, text))
    except InvalidParams as error:
        message = f"{parameter} is {text[:60]!r}, which is neither a time nor a place"
        raise InvalidParams(message, hint=f"give {_FORMS}") from error


def begins_after(place: Place, run: Run) -> bool:
    """True when all of a run lies behind the place."""
    if isinstance(place, Cursor):
        return run.number > place.run
    if isinstance(place, Moment):
        return parse_moment("started_at", run.started_at) > place.time_ns
    return run.run_id not in place.places


def first_after(place: Place, run: Run, log: Snapshot) -> Offsets:
    """Where the lines of a run begin that do not lie before the place. Where they lie is told by their last byte.

    A line that was begun before the place and went on after it belongs to them, as a whole; but not the part of a line
    that a cursor's reader has seen.
    """
    if isinstance(place, Cursor):
        return _beside(place, run, log)
    return _to_line_begins(log, _reached(place, run, log))


def last_before(place: Place, run: Run, log: Snapshot) -> Offsets:
    """Where the lines of a run end that lie before the place: what `first_after` begins with."""
    return first_after(place, run, log)


def _beside(place: Cursor, run: Run, log: Snapshot) -> Offsets:
    if run.number == place.run:
        return log.clamped(place.offsets)
    return Offsets(0, 0) if run.number > place.run else log.end


def _reached(place: Moment | Bookmark, run: Run, log: Snapshot) -> Offsets:
    """How far the streams were at the place."""
    if isinstance(place, Moment):
        return log.clamped(log.marks.before(place.time_ns))
    return log.clamped(place.places.get(run.run_id, Offsets(0, 0)))


def _to_line_begins(log: Snapshot, place: Offsets) -> Offsets:
    for stream in STREAMS:
        at = place.of(stream)
        # A prompt that is still the last of the log was there before.
        if 0 < at < log.end.of(stream):
            source = log.streams[stream]
            if source.read(at - 1, at) not in (b"\n", b""):
                place = place.at(stream, line_begin(source, source.oldest, at))
    return place
