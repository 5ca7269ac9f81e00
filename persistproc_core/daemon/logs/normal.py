"""What is new in a run: lines whose normal form the run before did not print.

In the normal form all that differs from run to run is folded: numbers, times and dates, durations and sizes, addresses
and ports, UUIDs, hexadecimal and other long ids, and the folders of absolute paths. Of a path the last two names stay
(below folders for temporary files only the last one): the same error in another file is another error, the same error
five lines further down is not, nor is one in another check-out.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from .blocks import blocks_backward
from .cleaning import cleaned, has_controls
from .filters import Extents, TimeIsUp

if TYPE_CHECKING:
    from .reader import RunLog

__all__ = ["NewLines", "normal_form"]

_MOST_FORMS = 100_000
_MOST_CACHED = 4096
_LONGEST = 4096
"""Of a longer line only the beginning counts."""

# All digits are zeros before anything else is done, then long hexadecimal ids are. Of lines that differ in nothing but
# that, and those are most of a log, only one has to be looked at more closely.
_ZEROS: Final = bytes.maketrans(b"123456789", b"000000000")
_HEX: Final = re.compile(rb"\b[a-fA-F]{0,5}0[0a-fA-F]{5,}(?:-[0a-fA-F]{4,})*\b")

_UNIT: Final = rb"(?:ns|us|\xc2\xb5s|ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|[kKMG]i?B?|B|[Bb]ytes)"
_NUMBER: Final = rb"0+(?:[.,:_]0+)*"
_ZONE: Final = rb"(?:[ ]?[AaPp][Mm]\b)?(?:[ ]?(?:[+-]00:?00|UTC|GMT|Z)\b)?"
_MONTH: Final = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_FOLDED: Final = re.compile(
    rb"""
      (?:\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?[ ]+)?(?:                # a date in words
        \b%(month)s[ /-]+00?(?:,?[ ]+0000)?(?:,?[ ]+00?(?::00)+(?:[.,]0+)?%(zone)s)?(?:[ ]0000\b)?
      | \b00?[ /-]%(month)s[ /-]0000(?:[ :]00?(?::00)+(?:[.,]0+)?[ ]?%(zone)s)?)
    | \b0000[-/.]00?[-/.]00?(?:[T ]+00?(?::00)+(?:[.,]0+)?%(zone)s)?       # a date
    | \b00?(?::00)+(?:[.,]0+)?%(zone)s(?![:\w])                            # a time
    | \b[0a-fA-F]{8}(?:-[0a-fA-F]{4}){3}-[0a-fA-F]{12}\b                  # a UUID
    | \b0[xX][0a-fA-F]+
    | \b(?=[a-fA-F]*0)[0a-fA-F]{7,}\b                                     # a hash, an object's id
    | \b(?=\w*0[^\W0]+0)\w{8,}\b                                         # another id: letters between digits
    | (?<![\w:])(?:[0a-fA-F]{0,4}:){2,7}[0a-fA-F]{0,4}(?![\w:])           # an IPv6 address
    | (?P<path>(?<![\w./~-])~?/(?:[\w.@+~-]+/)+)
    | [+-]?%(number)s(?:[ ]?%(unit)s(?:[ ]?%(number)s[ ]?%(unit)s)*(?![A-Za-z]))?
    """
    % {b"month": _MONTH, b"zone": _ZONE, b"number": _NUMBER, b"unit": _UNIT},
    re.VERBOSE,
)
_TEMPORARY: Final = re.compile(rb"/(?:private/)?(?:tmp|var/tmp|var/folders|dev/shm|run/user|proc)/")


def normal_form(line: bytes) -> bytes:
    """The line without what differs from run to run. The line has no control sequences and no newline."""
    return _form(_HEX.sub(b"0", line.translate(_ZEROS)))


def _form(line: bytes) -> bytes:
    return _FOLDED.sub(_folded, line[:_LONGEST])


def _folded(match: re.Match[bytes]) -> bytes:
    path: bytes | None = match["path"]
    if path is None:
        return b"0"
    if _TEMPORARY.match(path):
        return b"/"
    return b"/%s/" % _form(path.rsplit(b"/", 2)[1])


class NewLines:
    """Wants the lines whose normal form some log does not have. It is a `Filter`.

    That log is read when it is first needed, its newest lines first, for at most half of the time that is left until
    ``deadline`` (of `time.monotonic`), and 100,000 different forms of it are remembered: `complete` says whether that
    was enough. Where it was not, lines may be told as new that are not.
    """

    def __init__(self, former: RunLog | None, deadline: float = math.inf) -> None:
        self.complete = True
        self._former = former
        self._deadline = deadline
        self._known: set[int] | None = None
        # Hashes of normal forms by what is a step before them.
        self._by_zeros: dict[bytes, int] = {}
        self._by_ids: dict[bytes, int] = {}

    def select(self, data: bytes, length: int) -> Extents:
        """The lines that are new, of those that are the first ``length`` bytes."""
        if time.monotonic() > self._deadline:
            raise TimeIsUp
        known = self._forms()
        found: Extents = []
        begin = 0
        block = data[:length]
        for line, form in zip(block.split(b"\n"), self._hashes(block), strict=False):
            end = min(begin + len(line) + 1, length)
            if form not in known and begin < end:
                found.append((begin, end))
            begin = end
        return found

    def accepts(self, line: bytes) -> bool:
        """Whether one line is new."""
        return bool(self.select(line or b"\n", len(line) or 1))

    def _forms(self) -> set[int]:
        if self._known is None:
            self._known = set()
            if self._former is not None:
                self._read(self._former, self._known)
        return self._known

    def _read(self, former: RunLog, known: set[int]) -> None:
        now = time.monotonic()
        deadline = now + (self._deadline - now) / 2
        with former.look() as log:
            for stream, source in log.streams.items():
                for block in blocks_backward(source, log.oldest.of(stream), log.end.of(stream)):
                    if time.monotonic() > deadline or len(known) > _MOST_FORMS:
                        self.complete = False
                        return
                    known.update(self._hashes(block.data[: block.length]))

    def _hashes(self, block: bytes) -> Iterator[int]:
        """The hash of each line's normal form."""
        if has_controls(block):
            block = cleaned(block).encode("utf-8", "replace")
        for line in block.translate(_ZEROS).split(b"\n"):
            form = self._by_zeros.get(line)
            if form is None:
                short = _HEX.sub(b"0", line)
                form = self._by_ids.get(short)
                if form is None:
                    form = _remembered(self._by_ids, short, hash(_form(short)))
                _remembered(self._by_zeros, line, form)
            yield form


def _remembered(forms: dict[bytes, int], line: bytes, form: int) -> int:
    if len(forms) >= _MOST_CACHED:
        forms.clear()
    if len(line) <= _LONGEST:
        forms[line] = form
    return form
