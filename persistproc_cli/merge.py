"""Lines of several logs in the order of time."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from persistproc_core.protocol import OutputLine

__all__ = ["merged"]


def merged(logs: Sequence[Iterable[OutputLine]]) -> Iterator[tuple[int, OutputLine]]:
    """The lines of all logs by time, each with the number of its log; nothing is read before it is needed.

    The lines of one log keep their order whatever their times say (a clock may be set back), and of lines of the same
    time those of the first log come first.
    """
    if len(logs) == 1:
        return ((0, line) for line in logs[0])
    from heapq import merge

    timed = [_timed(number, lines) for number, lines in enumerate(logs)]
    return ((number, line) for _time, number, line in merge(*timed, key=_by_time))


def _timed(number: int, lines: Iterable[OutputLine]) -> Iterator[tuple[str, int, OutputLine]]:
    latest = ""
    for line in lines:
        # All times have the same form, so that they compare as text.
        latest = max(latest, line.get("time", ""))
        yield latest, number, line


def _by_time(item: tuple[str, int, OutputLine]) -> tuple[str, int]:
    return item[0], item[1]
