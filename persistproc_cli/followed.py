"""One of several processes that are followed: where its log is read, and what becomes of it."""

from __future__ import annotations

import time

from .deeds import who
from .joining import Joiner
from .restarts import outlook
from .sift import Pattern, Sieve
from .succession import RESTART_SECONDS, is_restarted
from .words import because, ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from persistproc_core.protocol import Event, OutputLine

    from .lines import JsonLines, LineSink
    from .sources import Source
    from .words import Ended

__all__ = ["Followed"]

_ENDS = ("exited", "failed", "stopped", "lost")


class Followed:
    """A followed process. ``deadline`` is set while it has ended and its next run is expected."""

    def __init__(self, source: Source, sink: LineSink | JsonLines, pattern: Pattern | None) -> None:
        self.source = source
        self.cursor = "start"
        """Where to begin."""
        self.run = source.run
        self.live = True
        self.deadline: float | None = None
        self.planned = False
        """True while it has ended and its policy is to start it again."""
        self.joiner = Joiner()
        self._sink = sink
        self._pattern = pattern
        self._sieve = Sieve(pattern) if pattern is not None else None
        self._ended = ""

    def show(self, lines: Iterable[OutputLine], missed: int) -> None:
        """Show what it printed."""
        if missed:
            self._sink.missed(self.source.name, missed)
        for line in lines:
            line.setdefault("run", self.run)
            for whole in self.joiner.feed(line):
                self._pass(whole)

    def show_begun(self) -> None:
        """Nothing has come for a while: what has begun is shown as it is. A pattern looks at whole lines only."""
        if self._sieve is None:
            for line in self.joiner.close():
                self._pass(line)

    def _pass(self, line: OutputLine) -> None:
        for chosen in self._sieve.sift(line) if self._sieve is not None else (line,):
            self._sink.line(self.source, chosen)

    def happened(self, event: Event) -> None:
        """Something happened to it. What is told again, after a subscription was renewed, is not told twice."""
        if event["type"] in _ENDS and event["run"] >= self.run and self.live:
            self._end(event)
        elif event["type"] in ("started", "restarted") and event["run"] > self.run:
            self._begin(event)
        elif event["type"] == "given_up" and event["run"] == self.run:
            self.planned = False
            self._sink.note(f"{self.source.name} {_given_up(event)}")
        elif event["type"] == "unhealthy":
            self._sink.note(f"{self.source.name}: {event.get('reason')}")
        elif event["type"] == "removed":
            self.live, self.deadline, self.planned = False, None, False
            self._sink.note(f"{self.source.name} was removed{_by(event)}")

    def _end(self, event: Event) -> None:
        for line in self.joiner.close():
            self._pass(line)
        self._sink.end_line()
        ended: Ended = {
            "state": event["state"],
            "exit_code": event.get("exit_code"),
            "signal": event.get("signal"),
            "reason": event.get("reason"),
        }
        words = f"{self.source.name} {ending(ended)}"
        # Who began with an earlier run still has the later ones before him.
        self.live, self.run = event["run"] < self.source.run, event["run"]
        self.planned = event["state"] == "restarting"
        if self.planned:
            self._sink.note(f"{words}; it is to be started again")
        elif is_restarted(ended):
            self.deadline = time.monotonic() + RESTART_SECONDS
            self._ended = f"{words}{because(ended)}"
        else:
            self._sink.note(f"{words}{because(ended) if event['state'] == 'stopped' else ''}")

    def _begin(self, event: Event) -> None:
        said = f"{self._ended}; following" if self._ended else f"{self.source.name} started{_by(event)}:"
        self.live, self.run, self.deadline, self._ended = True, event["run"], None, ""
        self.planned = False
        if self._pattern is not None:
            self._sieve = Sieve(self._pattern)
        self._sink.note(f"{said} run {event['run']} (pid {event['pid']})")

    def give_up(self) -> None:
        """The next run has not come."""
        self.deadline = None
        self._sink.note(self._ended)
        self._ended = ""


def _given_up(event: Event) -> str:
    told = outlook(event)
    return f"is {told}" if told else f"is not started again: {event.get('reason')}"


def _by(event: Event) -> str:
    return f" by {who(event['by'])}" if "by" in event else ""
