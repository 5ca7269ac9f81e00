"""``--grep`` of what comes next: the daemon searches what is there, this what it sends from then on."""

from __future__ import annotations

import re

from .arguments import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from persistproc_core.protocol import OutputLine

    from .selection import Selection

__all__ = ["Pattern", "Sieve"]


class Pattern:
    """What lines are looked for; raises `UsageError` for a pattern that Python's ``re`` does not take.

    The daemon takes a little more than ``re`` (possessive quantifiers, POSIX classes), and that more not with -f.
    """

    def __init__(self, selection: Selection) -> None:
        import warnings

        try:
            with warnings.catch_warnings():
                # "possible nested set" and the like: a warning in the middle of a log helps nobody.
                warnings.simplefilter("ignore")
                self._match = re.compile(selection.pattern or "", re.IGNORECASE if selection.ignore_case else 0).search
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError(f"--grep with -f: {error} in {selection.pattern!r}") from None
        self._invert = selection.invert
        self.before = selection.context_before
        self.after = selection.context_after

    def fits(self, text: str) -> bool:
        """True when the line is one of those."""
        return (self._match(text) is not None) is not self._invert


class Sieve:
    """Lets pass the lines of one process that fit, and those around them."""

    def __init__(self, pattern: Pattern) -> None:
        from collections import deque

        self._pattern = pattern
        self._before: deque[OutputLine] = deque(maxlen=pattern.before)
        self._after = 0

    def sift(self, line: OutputLine) -> Iterator[OutputLine]:
        """What of a line, and of those before it, is to be shown."""
        if self._pattern.fits(line.get("text", "")):
            yield from self._before
            self._before.clear()
            self._after = self._pattern.after
            yield line
        elif self._after:
            self._after -= 1
            yield {**line, "context": True}
        else:
            self._before.append({**line, "context": True})
