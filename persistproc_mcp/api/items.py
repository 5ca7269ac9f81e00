"""What a stream brings, as a document and as words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from persistproc_core.protocol import Event, OutputLine, ProcessOutput

__all__ = ["Item", "begun_item", "ended_item", "event_item", "missed_item", "output_item"]

_ENDS = ("stopped", "exited", "failed", "lost")
# What says nothing when it is so: a frame is read by a model, and each word of it costs.
_USUAL: Mapping[str, object] = {"lossy": False, "missed_bytes": 0}


class Item(NamedTuple):
    """One event of a stream."""

    type: str
    document: dict[str, object]
    """Without what is null. It has the type as well, so that it can stand alone."""
    text: str
    """The same for a reader: one line for an event, the lines for output."""
    id: str = ""
    """What a reader gives back to go on after it; empty: the same as before."""


def output_item(output: ProcessOutput, place: str, *, named: bool) -> Item:
    """What a process printed; with ``named`` each line in words begins with its process."""
    told = {name: value for name, value in output.items() if not (name in _USUAL and value == _USUAL[name])}
    told.pop("subscription")
    told["lines"] = [{name: value for name, value in line.items() if value is not False} for line in output["lines"]]
    before = f"{output['name']}: " if named else ""
    text = _in_words(before, output["lines"])
    if output["missed_bytes"]:
        missed = f"{before}({output['missed_bytes']} bytes before this were deleted already)"
        text = "\n".join(filter(None, [missed, text]))
    return Item("output", {"type": "output", **told}, text, place)


def begun_item(name: str, lines: Sequence[OutputLine], place: str, *, named: bool) -> Item:
    """Lines that a process has begun; for a reader of words only."""
    return Item("output", {"type": "output"}, _in_words(f"{name}: " if named else "", lines), place)


def _in_words(before: str, lines: Sequence[OutputLine]) -> str:
    return "\n".join(before + _one_line(line.get("text", "(bytes that are no text)")) for line in lines)


def event_item(event: Event, place: str) -> Item:
    """What happened to a process."""
    return Item(event["type"], {name: value for name, value in event.items() if value is not None}, _told(event), place)


def missed_item() -> Item:
    """The first of a stream that cannot go on where it was asked to."""
    text = "some events before this are no longer kept"
    return Item("missed", {"type": "missed", "reason": text}, text)


def ended_item(reason: str, error: object = None) -> Item:
    """The last of a stream that ends by itself."""
    document: dict[str, object] = {"type": "ended", "reason": reason}
    if error is not None:
        document["error"] = error
    return Item("ended", document, f"the stream ended: {_one_line(reason)}")


def _told(event: Event) -> str:
    """``14:02:11 web failed (exit code 1)``, in the time of this machine."""
    time = datetime.fromisoformat(event["time"].replace("Z", "+00:00")).astimezone()
    parts = [f"{time:%H:%M:%S}", _one_line(event["name"]), event["type"].replace("_", " ")]
    if "port" in event:
        parts.append(f"{event['port']} on {event.get('address', '')}")
    if event["type"] in _ENDS:
        signal, code = event.get("signal"), event.get("exit_code")
        parts.append(f"({signal})" if signal else f"(exit code {code})" if code is not None else "")
    line = " ".join(filter(None, parts))
    # The reason says who it was as well.
    told = event.get("text") or event.get("reason") or (f"by {event['by']['name']}" if "by" in event else "")
    return f"{line}: {_one_line(told)}" if told else line


def _one_line(text: str) -> str:
    # A name or a line must not become two of them, nor act on the terminal of whoever shows it.
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
