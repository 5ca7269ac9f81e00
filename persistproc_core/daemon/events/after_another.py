"""Events that one daemon had yet to write when another one wrote to the same journal."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ...framing import encode
from .journal_file import Entry

__all__ = ["numbered_anew"]


def numbered_anew(pending: Iterable[Entry], written: Iterable[Entry], once: frozenset[str], last: int) -> list[Entry]:
    """The pending ones that are still news, with the numbers after ``last``.

    What can happen to a run only ``once`` and was written by the other daemon is not news any more.
    """
    told = {(entry.run_id, entry.kind) for entry in written}
    fresh = [entry for entry in pending if entry.kind not in once or (entry.run_id, entry.kind) not in told]
    return [_with_number(entry, number) for number, entry in enumerate(fresh, last + 1)]


def _with_number(entry: Entry, number: int) -> Entry:
    event = {**json.loads(entry.line), "sequence": number}
    return entry._replace(sequence=number, line=encode(event)[:-1])
