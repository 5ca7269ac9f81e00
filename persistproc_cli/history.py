"""What was printed so far, of one process or several, line by line."""

from __future__ import annotations

from .merge import merged
from .pages import pages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from persistproc_core.protocol import GetProcessOutputParams, OutputLine, OutputReply

    from .lines import JsonLines, LineSink
    from .selection import Selection
    from .sources import Source

__all__ = ["History", "show_history"]


class History:
    """What is selected of one log; after the last line ``cursor`` is the place to go on."""

    def __init__(
        self,
        source: Source,
        selection: Selection,
        ask: Callable[[GetProcessOutputParams], OutputReply],
        params: GetProcessOutputParams,
    ) -> None:
        self.source = source
        self.cursor = "start"
        self.run = source.run
        self.missed = 0
        self._pages = pages(ask, selection, {**params, "process": source.target})

    def lines(self) -> Iterator[OutputLine]:
        """The lines, oldest first; each tells its run."""
        for reply in self._pages:
            self.cursor, self.run = reply["cursor"], reply["run"]
            self.missed += reply["missed_bytes"]
            for line in reply["lines"]:
                line.setdefault("run", reply["run"])
                yield line


def show_history(histories: Sequence[History], sink: LineSink | JsonLines) -> None:
    """Show the lines of all of them by time."""
    for number, line in merged([history.lines() for history in histories]):
        sink.line(histories[number].source, line)
    for history in histories:
        if history.missed:
            sink.missed(history.source.name, history.missed)
