"""The progress of a project on a terminal, redrawn in place. The only module that draws with rich."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from persistproc_core.errors import PersistprocError

from ..oneline import one_line
from .plain import ready_words, stays_words
from .rows import need_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal

    from persistproc_core.protocol import Event, ProcessResult

    from .rows import Row, Rows

__all__ = ["LiveView"]

_FAILED, _PENDING = ("failed", "not started"), ("waits", "runs")
_DONE = ("ready", "completed", "stays", "stopped")
_TURNING = ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\")
_MARKS = (("✓", "✗", "·"), ("+", "x", "."))


class _Console(Console):
    def show_cursor(self, show: bool = True) -> bool:
        # A command that is killed or put to sleep (Ctrl-Z) while the cursor is hidden leaves a shell without one.
        return False


class LiveView:
    """A line for each process: who waits for whom, and how long each took to be ready."""

    pause: float | None = 0.1

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._busy = True
        self._utf = "utf" in (sys.stdout.encoding or "").lower()
        # What others named must not be taken for markup or emoji; our words are the same in every terminal.
        self._console = _Console(markup=False, emoji=False, highlight=False)
        self._live = Live(
            get_renderable=self._drawn,
            console=self._console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> LiveView:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A refusal came before anything was started, and who waits for whom is nothing to look at then.
        self._live.transient = isinstance(error, PersistprocError)
        self._live.stop()

    def tell(self, events: list[Event]) -> None:
        """What has happened."""
        for event in events:
            self._rows.take(event)
        self._live.refresh()

    def settle(self, results: list[ProcessResult]) -> None:
        """What became of each."""
        self._busy = False
        for result in results:
            self._rows.settle(result)
        self._live.refresh()

    def _drawn(self) -> Table:
        table = Table.grid(padding=(0, 2))
        # What the terminal echoes for Ctrl-C stands behind the last line: where it had no room there, it would begin
        # another one, and all would be drawn once more below itself.
        table.width = max(10, self._console.width - len("^C"))
        overflow: Literal["ellipsis", "crop"] = "ellipsis" if self._utf else "crop"
        table.add_column(width=1, no_wrap=True)
        table.add_column(no_wrap=True, overflow=overflow, max_width=max(8, self._console.width // 3))
        table.add_column(no_wrap=True, overflow=overflow, ratio=1)
        for row in self._rows:
            mark = Text(self._mark(row), _colour(row))
            table.add_row(mark, Text(one_line(row.name)), Text(self._words(row), _words_colour(row)))
        return table

    def _mark(self, row: Row) -> str:
        done, failed, pending = _MARKS[0 if self._utf else 1]
        if row.phase in _DONE:
            return done
        if row.phase in _FAILED:
            return failed
        # What is over must not look as if it still turned.
        if row.phase in _PENDING or not self._busy:
            return pending
        turning = _TURNING[0 if self._utf else 1]
        return turning[int(time.monotonic() * 10) % len(turning)]

    def _words(self, row: Row) -> str:
        words = self._phase_words(row)
        if row.verb == "restarted" and row.phase in ("starting", "ready", "completed"):
            # Behind the rest: how far it is, and where, must not be cut off for it.
            words += f" (restarted: {one_line(row.why)})" if row.why else " (restarted)"
        return words

    def _phase_words(self, row: Row) -> str:
        if row.phase == "waits":
            missing = self._rows.missing(row)
            return f"waits for {need_words(missing)}" if missing else "is about to start"
        if row.phase == "starting":
            if self._busy:
                return f"starting, {int(time.monotonic() - row.since)} s"
            return one_line(row.detail) or "started, not known to be ready"
        if row.phase in ("ready", "completed", "stays"):
            words = stays_words(row) if row.phase == "stays" else ready_words(row)
            # What a person wants to have must not be cut off for what he may want to know.
            return f"{one_line(row.url)}  {words}" if row.url else words
        return f"{row.phase}: {one_line(row.detail)}" if row.detail else row.phase


def _colour(row: Row) -> str:
    return "red" if row.phase in _FAILED else "green" if row.phase in _DONE else _words_colour(row) or "yellow"


def _words_colour(row: Row) -> str:
    return "red" if row.phase in _FAILED else "dim" if row.phase in _PENDING else ""
