"""Can everything that was written down be read?"""

from __future__ import annotations

import os

from .finding import Kind, ok

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .finding import Finding

__all__ = ["KINDS", "records"]

_MANY_RUNS = 5000
_KNOWN_FORMAT = 1

UNREADABLE = Kind(
    "records",
    "records-unreadable",
    "problem",
    "The folder of runs cannot be read.",
    "check its permissions and its disk",
)
SET_ASIDE = Kind(
    "records",
    "records-set-aside",
    "warning",
    "Records of runs could not be read (a power cut, a fault of the disk, an edit by hand) and were put aside as "
    "`record.unreadable`. What lives of them was found again by its marker; the rest is missing in the history. Their "
    "output is still there.",
    "look at the files; when nothing in them matters any more, delete the folders",
)
NEWER = Kind(
    "records",
    "records-newer",
    "warning",
    "Runs were written down by a newer version of persistproc. They are left alone, and this version does not show "
    "them.",
    "run: `pip install --upgrade persistproc`, then: `persistproc daemon restart`",
)
MANY = Kind(
    "records",
    "records-many",
    "warning",
    "Very many runs are kept: the daemon starts more slowly, and takes more memory.",
    "run: `persistproc prune --all --older-than 7d`",
)
KINDS = (UNREADABLE, SET_ASIDE, NEWER, MANY)


def records(folder: str, many: int = _MANY_RUNS) -> Iterator[Finding]:
    """What lies in the folder of runs; more than ``many`` are too many."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        names = []
    except OSError as error:
        yield UNREADABLE.found(f"cannot read {folder}: {error.strerror}")
        return
    aside = [name for name in names if os.path.exists(os.path.join(folder, name, "record.unreadable"))]
    if aside:
        yield SET_ASIDE.found(f"{_count(aside)} set aside: {_some(folder, aside, 'record.unreadable')}")
    newer = [name for name in names if _format(os.path.join(folder, name, "record.json")) > _KNOWN_FORMAT]
    if newer:
        yield NEWER.found(f"{_count(newer)} of a newer version: {_some(folder, newer, 'record.json')}")
    if len(names) > many:
        yield MANY.found(f"{len(names)} runs are kept")
    elif not aside and not newer:
        yield ok("records", f"{len(names)} runs kept")


def _count(names: list[str]) -> str:
    return f"{len(names)} {'record was' if len(names) == 1 else 'records were'}"


def _some(folder: str, names: list[str], file: str) -> str:
    shown = ", ".join(os.path.join(folder, name, file) for name in names[:3])
    return f"{shown}, ..." if len(names) > 3 else shown


def _format(path: str) -> int:
    """The format of a record; 0 when it cannot be told: the daemon is the one to judge it."""
    # Its beginning is enough, and thousands of records are not parsed for it.
    try:
        with open(path, "rb") as file:
            head = file.read(40)
    except OSError:
        return 0
    begin, found, rest = head.partition(b'{"format": ')
    digits = rest.partition(b",")[0]
    return int(digits) if found and not begin and digits.isdigit() else 0
