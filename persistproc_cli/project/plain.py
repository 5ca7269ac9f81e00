"""The progress of a project as plain lines: for files, pipes and terminals that can do no more."""

from __future__ import annotations

from ..oneline import one_line
from ..output import say
from .rows import need_words, seconds_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import Event, ProcessResult

    from .rows import Row, Rows

__all__ = ["PlainView", "ready_words", "stays_words"]


def ready_words(row: Row) -> str:
    """``ready in 0.4 s: listens on port 3000``, ``completed in 2.1 s``."""
    words = "completed" if row.phase == "completed" else "ready"
    if row.seconds is not None:
        words += f" in {seconds_words(row.seconds)}"
    return f"{words}: {one_line(row.detail)}" if row.detail and row.phase == "ready" else words


def stays_words(row: Row) -> str:
    """``runs unchanged``, ``has completed before``, ``changed while it runs: tags``."""
    return "has completed before" if row.is_done else one_line(row.why) or "runs unchanged"


class PlainView:
    """A line for each thing that happens, as it happens."""

    pause: float | None = None

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._told: dict[str, str] = {}

    def __enter__(self) -> PlainView:
        for row in self._rows:
            missing = self._rows.missing(row)
            if row.phase == "waits" and missing:
                say(f"{one_line(row.name)} waits for {need_words(missing)}")
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing is left to be put away."""

    def tell(self, events: list[Event]) -> None:
        """What has happened."""
        for event in events:
            row = self._rows.take(event)
            # How long it took to complete comes next.
            if row is not None and event["type"] != "exited":
                self._tell(row)

    def settle(self, results: list[ProcessResult]) -> None:
        """What became of each."""
        for result in results:
            row = self._rows.settle(result)
            if row is None:
                continue
            if result["outcome"] in ("started", "restarted"):
                self._tell_begun(row)
            self._tell(row)
            if row.phase == "starting" and row.detail:
                say(f"{one_line(row.name)} {one_line(row.detail)}")
            if row.url and row.phase in ("ready", "stays"):
                # Which of its ports it is was not told with the event.
                say(f"{one_line(row.name)} is at {one_line(row.url)}")

    def _tell(self, row: Row) -> None:
        name = one_line(row.name)
        if row.phase == "starting":
            self._tell_begun(row)
        elif row.phase in ("ready", "completed"):
            self._say(row, "ready", f"{name} {ready_words(row)}")
        elif row.phase == "stays":
            pid = "" if row.is_done else f" (pid {row.pid})"
            self._say(row, "stays", f"{name} {stays_words(row)}{pid}")
        elif row.phase == "stopped":
            self._say(row, "stopped", f"{name} {row.detail or 'stopped'}")

    def _tell_begun(self, row: Row) -> None:
        if self._told.get(row.name) in ("begun", "ready"):
            return
        why = f": {one_line(row.why)}" if row.why else ""
        self._say(row, "begun", f"{one_line(row.name)} {row.verb} (pid {row.pid}){why}")

    def _say(self, row: Row, what: str, line: str) -> None:
        if self._told.get(row.name) != what:
            self._told[row.name] = what
            say(line)
