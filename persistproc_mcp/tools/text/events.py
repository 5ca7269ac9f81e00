"""What happened meanwhile, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from persistproc_core.protocol import Event

from ...callers import Caller
from .people import because, who
from .safe import inline, quoted
from .times import ago

__all__ = ["news_line"]

_MOST = 6
_BY_POLICY = "persistproc"
_MOST_OF_ONE = 3
_VERBS = {
    "started": "started",
    "restarted": "restarted",
    "stopped": "stopped",
    "removed": "removed",
    "protected": "protected",
    "unprotected": "unprotected",
    "configured": "configured",
}


def news_line(events: Sequence[Event], omitted: int, caller: Caller, now: float | None = None) -> str:
    """``News: api crashed (exit 1) 2 min ago; web restarted by cursor 1 min ago: dependency update``.

    Empty without events. Of many the newest are told, and how many more there are; of one process at most three, so
    that the last one of each has room.
    """
    if not events:
        return ""
    told = [_told(event, caller, now) for event in _newest(events)]
    more = omitted + len(events) - len(told)
    return f"News: {'; '.join(told)}{f'; and {more} earlier' if more else ''}"


def _newest(events: Sequence[Event]) -> list[Event]:
    counts: dict[tuple[str, str], int] = {}
    newest: list[Event] = []
    for event in reversed(events):
        key = event["project_directory"], event["name"]
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= _MOST_OF_ONE and len(newest) < _MOST:
            newest.append(event)
    return newest[::-1]


def _told(event: Event, caller: Caller, now: float | None) -> str:
    return f"{_name(event, caller)} {_what(event, caller, ago(event['time'], now))}"


def _name(event: Event, caller: Caller) -> str:
    project, directory = event["project_directory"].rstrip("/"), caller.directory
    inside = directory is not None and (directory == project or directory.startswith(project + "/"))
    return inline(event["name"] if inside else f"{event['project']}/{event['name']}")


def _what(event: Event, caller: Caller, when: str) -> str:
    kind = event["type"]
    if kind in _VERBS:
        by = f" by {who(event['by'], caller)}" if "by" in event else ""
        return f"{_VERBS[kind]}{by} {when}{because(_reason(event))}"
    if kind == "failed":
        signal = event.get("signal")
        how = f"was killed by {signal}" if signal else f"crashed (exit {event.get('exit_code')})"
        return f"{how} {when}"
    if kind == "given_up":
        return _given_up(event, caller, when)
    if kind == "unhealthy":
        return f"does not answer any more {when}{because(event.get('reason', ''))}"
    if kind == "exited":
        return f"exited (0) {when}"
    if kind == "waiting_for_input":
        return f"asked for input {when}: {quoted(event.get('text', ''), 80)}"
    return f"{inline(kind.replace('_', ' '))} {when}"


def _given_up(event: Event, caller: Caller, when: str) -> str:
    """Its policy gives no hope any more, or somebody did not want it to be started again."""
    client = event.get("by")
    if client is not None and client["name"] != _BY_POLICY:
        return f"was to be started again, which {who(client, caller)} ended {when}{because(_reason(event))}"
    # How to try again stands behind the colon, for people.
    return f"{inline(event.get('reason', 'given up').partition(': persistproc ')[0])} {when}"


def _reason(event: Event) -> str:
    """The words of who asked: the event has them behind ``restarted by cursor: ``, which is told already."""
    client = event.get("by")
    if client is None:
        return ""
    reason = event.get("reason", "")
    _, found, rest = reason.partition(f" by {client['name']}")
    return rest.removeprefix(": ") if found else reason
