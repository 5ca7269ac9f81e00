"""The journal on disk: ``events.jsonl``, one event a line, bounded. Every function blocks: call it in a worker thread.

Lines are appended without fsync: they survive every kill, and after a power cut nothing is alive that they tell of.
A last line that was torn is ignored, and cut off with the next rewriting.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple, cast

from ...errors import PersistprocError
from ...framing import decode
from ...protocol import ClientInfo
from .. import replaced_file

__all__ = ["MAX_FILE_BYTES", "Entry", "append", "load", "replace"]

MAX_FILE_BYTES = 1024 * 1024
_MOST = 2**53


class Entry(NamedTuple):
    """One event, with what is needed to choose it without parsing it again."""

    sequence: int
    time: str
    kind: str
    project_directory: str
    name: str
    run: int
    run_id: str
    line: bytes
    """The event as JSON, without a newline."""
    by: ClientInfo | None = None
    """Who asked for it."""

    def is_of(self, project_directory: str, name: str) -> bool:
        """Whether it happened to that process."""
        return self.name == name and self.project_directory == project_directory


def load(path: str) -> tuple[list[Entry], bool]:
    """The events in the file, oldest first, and whether all of it could be read. A missing file has none."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb") as file:
            # Somebody may have put anything there; what we wrote ourselves is smaller.
            file.seek(max(0, os.fstat(file.fileno()).st_size - 2 * MAX_FILE_BYTES))
            data = file.read(2 * MAX_FILE_BYTES)
    except FileNotFoundError:
        return [], True
    except OSError:
        return [], False
    *lines, torn = data.split(b"\n")
    entries: list[Entry] = []
    for line in lines:
        entry = _entry(line)
        if entry is not None and (not entries or entry.sequence > entries[-1].sequence):
            entries.append(entry)
    return entries, not torn and len(entries) == len(lines)


def _entry(line: bytes) -> Entry | None:
    try:
        # Strictly: the line goes to clients as it is, and json.loads takes NaN and bytes that are no UTF-8 (U+D800).
        event = cast("dict[str, Any]", decode(line))
        entry = Entry(
            event["sequence"],
            event["time"],
            event["type"],
            event["project_directory"],
            event["name"],
            event["run"],
            event["run_id"],
            line,
            event.get("by"),
        )
    except (PersistprocError, KeyError, TypeError):
        return None
    numbers: tuple[object, ...] = (entry.sequence, entry.run)
    texts: tuple[object, ...] = (entry.time, entry.kind, entry.project_directory, entry.name, entry.run_id)
    # A number beyond what clients may ask for would be that of no event: all later ones would be beyond it as well.
    sound = all(isinstance(number, int) and 0 <= number <= _MOST for number in numbers)
    sound = sound and all(isinstance(text, str) for text in texts)
    return entry if sound and (entry.by is None or _is_client(entry.by)) else None


def _is_client(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("name"), str)


def append(path: str, entries: list[Entry]) -> int:
    """Append events; how long the file is now. Raises `OSError`; the file may end in a torn line then."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(fd, "wb") as file:
        file.write(_text(entries))
        file.flush()
        return os.fstat(fd).st_size


def replace(path: str, entries: list[Entry]) -> int:
    """Write the file anew; how long it is. Raises `OSError`; the old one is there then."""
    text = _text(entries)
    replaced_file.replace(path, text)
    return len(text)


def _text(entries: list[Entry]) -> bytes:
    return b"".join(entry.line + b"\n" for entry in entries)
