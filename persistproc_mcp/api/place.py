"""Where a reader of a stream of output is: what a later request needs to go on without loss and without doubles.

It is the id of each event of such a stream. A browser's EventSource sends it back when it connects again (HTML
standard, "Server-sent events", Last-Event-ID), to a bridge that keeps nothing.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Final

from typing_extensions import NotRequired, TypedDict

from persistproc_core.errors import InvalidParams, PersistprocError
from persistproc_core.framing import decode, encode
from persistproc_core.protocol import Event, FollowReply, ProcessOutput

from .beginnings import Begun

__all__ = ["Place", "full_name"]

# Far above what a hundred processes need. What is compressed may be a thousand times as long as it looks.
_MOST_BYTES: Final = 64 * 1024


class _Kept(TypedDict):
    after: int
    cursors: dict[str, str]
    told: dict[str, int]
    begun: NotRequired[Begun]


class Place:
    """How far a reader got, process by process."""

    def __init__(self, after: int = 0) -> None:
        self.after = after
        self.cursors: dict[str, str] = {}
        """By full name, where the output that comes next begins."""
        self.told: dict[str, int] = {}
        """By full name, the number of the newest event that the reader had."""
        self.begun: Begun = {}
        """What stands before the cursors and the reader did not have: beginnings of lines, for a reader of words."""

    def begin(self, reply: FollowReply) -> None:
        """The daemon has accepted; this is where it begins."""
        if self.told and reply["sequence"] < max(self.told.values()):
            # The journal was deleted, and counts from 1 again: by the old numbers nothing would ever be news.
            self.told.clear()
            self.after = 0
        for process in reply["processes"]:
            key = full_name(process["project_directory"], process["name"])
            self.cursors[key] = process["cursor"]
            self.told.setdefault(key, process["after"])
        self.begun = {key: texts for key, texts in self.begun.items() if key in self.cursors}
        if not self.after:
            # The least: what of it was told of another process before is left out by `told`.
            self.after = min([reply["sequence"], *(process["after"] for process in reply["processes"])])

    def take_output(self, output: ProcessOutput) -> None:
        """The reader gets this."""
        self.cursors[full_name(output["project_directory"], output["name"])] = output["cursor"]

    def take_event(self, event: Event) -> bool:
        """The reader gets this event; false when it had it already."""
        key = full_name(event["project_directory"], event["name"])
        if event["sequence"] <= self.told.get(key, -1):
            return False
        self.told[key] = event["sequence"]
        if event["type"] == "removed":
            self.cursors.pop(key, None)
            self.begun.pop(key, None)
        return True

    def encoded(self) -> str:
        """As text: letters, digits, - and _."""
        kept: _Kept = {"after": self.after, "cursors": self.cursors, "told": self.told}
        if self.begun:
            kept["begun"] = self.begun
        return base64.urlsafe_b64encode(zlib.compress(encode(kept))).decode("ascii").rstrip("=")

    @classmethod
    def decoded(cls, text: str) -> Place:
        """The place in a text that `encoded` made. Raises `InvalidParams` for any other."""
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            reader = zlib.decompressobj()
            line = reader.decompress(packed, _MOST_BYTES)
            if not reader.eof:
                raise _wrong()
            return cls._of(decode(line))
        except (binascii.Error, ValueError, zlib.error, PersistprocError):
            raise _wrong() from None

    @classmethod
    def _of(cls, kept: object) -> Place:
        if not isinstance(kept, dict) or not isinstance(kept.get("after"), int):
            raise _wrong()
        place = cls(kept["after"])
        cursors, told = kept.get("cursors"), kept.get("told")
        if not isinstance(cursors, dict) or not all(isinstance(value, str) for value in cursors.values()):
            raise _wrong()
        if not isinstance(told, dict) or not all(isinstance(value, int) for value in told.values()):
            raise _wrong()
        begun = kept.get("begun", {})
        if not isinstance(begun, dict) or not all(map(_are_texts, begun.values())):
            raise _wrong()
        place.cursors, place.told, place.begun = cursors, told, begun
        return place


def full_name(project_directory: str, name: str) -> str:
    """How a process is named wherever its project does not matter."""
    return f"{project_directory.rstrip('/')}/{name}"


def _are_texts(texts: object) -> bool:
    return isinstance(texts, dict) and all(
        stream in ("stdout", "stderr") and isinstance(text, str) for stream, text in texts.items()
    )


def _wrong() -> InvalidParams:
    return InvalidParams("the last event id is not one of this stream", hint="leave it out to begin anew")
