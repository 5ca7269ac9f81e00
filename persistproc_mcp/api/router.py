"""Which resource or stream a request is about.

By the path as it was sent: a server hands out the decoded one, in which the %2F of ``project%2Fname`` has become a
slash like any other.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, unquote

from starlette.types import Scope

from .failures import HttpFailure
from .resources import RESOURCES, STREAMS, Resource, Stream

__all__ = ["Found", "find", "find_stream", "path_of"]


class Found(NamedTuple):
    """A resource or stream, and what its path names."""

    place: Resource | Stream
    named: dict[str, str]


def find(scope: Scope) -> Found:
    """What an HTTP request is about. Raises `HttpFailure` with 404 or 405."""
    segments = _segments(scope)
    fitting = [found for place in (*RESOURCES, *STREAMS) if (found := _match(place, segments)) is not None]
    if not fitting:
        raise HttpFailure(404, "not_found", "there is no such path", hint="/docs has those there are")
    verb = "GET" if scope["method"] == "HEAD" else scope["method"]
    for found in fitting:
        if _verb(found.place) == verb:
            return found
    allowed = tuple(_verb(found.place) for found in fitting)
    raise HttpFailure(405, "method_not_allowed", f"this path takes {' and '.join(allowed)}", allow=allowed)


def find_stream(scope: Scope) -> Found:
    """What a WebSocket is about. Raises `HttpFailure` with 404."""
    segments = _segments(scope)
    for stream in STREAMS:
        found = _match(stream, segments)
        if found is not None:
            return found
    raise HttpFailure(404, "not_found", "there is no WebSocket here", hint="/api/events is one")


def path_of(project_directory: str, name: str) -> str:
    """The path of a process by its full name, which is never ambiguous."""
    return "/api/processes/" + quote(f"{project_directory.rstrip('/')}/{name}", safe="", errors="surrogateescape")


def _verb(place: Resource | Stream) -> str:
    return place.verb if isinstance(place, Resource) else "GET"


def _segments(scope: Scope) -> list[str]:
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode("ascii")
    path = raw.decode("ascii", "surrogateescape")
    if len(path) > 1:
        path = path.removesuffix("/")
    # A byte that is no UTF-8 stays what it is, as it does everywhere here (PEP 383).
    return [unquote(segment, errors="surrogateescape") for segment in path.split("/")[1:]]


def _match(place: Resource | Stream, segments: list[str]) -> Found | None:
    pattern = place.path.split("/")[1:]
    if len(pattern) != len(segments):
        return None
    named = {}
    for wanted, segment in zip(pattern, segments, strict=True):
        if wanted.startswith("{"):
            if not segment:
                return None
            named[wanted[1:-1]] = segment
        elif wanted != segment:
            return None
    return Found(place, named)
