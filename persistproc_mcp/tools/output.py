"""get_process_output: lines of a log under a line that says what they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from persistproc_core.errors import InvalidParams
from persistproc_core.protocol import (
    GetProcessOutputParams,
    OutputReply,
    ProcessInfo,
    Readiness,
)

from .calling import asked, common, directory, number, text
from .reading import read
from .text.fence import fenced
from .text.lines import Shown, line_texts, shown
from .text.people import because, who
from .text.processes import address, age, state_words
from .text.safe import quoted
from .tool import Answer, Call

__all__ = ["DEFAULT_BYTES", "DEFAULT_LINES", "Tail", "get_process_output", "tail", "with_error", "with_lines"]

DEFAULT_LINES = 100
DEFAULT_BYTES = 8000
"""Clients cut what is longer, some of them its end: 10 kB is safe in all that we know."""

_TAIL_LINES = 20
_TAIL_BYTES = 3000
_AROUND = 450
"""Bytes of an answer that are not output: the header and the fence."""
_PER_LINE = 18
"""Bytes that a line may get in front: its time and its stream."""


async def get_process_output(call: Call) -> Answer:
    """Lines of one process, as they are asked for."""
    cursor = text(call, "cursor")
    if cursor is not None and "since" in call.arguments:
        raise InvalidParams("give either cursor (what comes next) or since (the last lines after a place)")
    most = int(number(call, "max_bytes", DEFAULT_BYTES))
    (got,) = await read(call, ("get_process_output", _params(call, most)))
    reply = cast("OutputReply", got)
    room = most - _AROUND
    found = shown(reply["lines"], room, marks_matches="context" in call.arguments)
    if cursor is None:
        found = _within(found, reply, room, marks_matches="context" in call.arguments)
    name = address(reply, directory(call))
    head = _header(call, name, reply, found)
    body = f"\n{fenced(found.lines, name)}" if found.lines else ""
    return Answer(head + body, about=(reply["run_id"],))


def _params(call: Call, most: int) -> dict[str, object]:
    lines = int(number(call, "lines", DEFAULT_LINES))
    params = asked(call, "cursor", "since", "before", "stream", "run", "grep", "context", "new_in_run")
    params["timestamps"] = True
    if "grep" in call.arguments:
        params["ignore_case"] = True
    params["max_bytes"] = most
    if "cursor" not in call.arguments:
        return {**params, "lines": lines}
    # What is not shown after all would be lost: the next call begins behind it. So only what surely fits is asked for.
    lines = min(lines, max(1, most // (2 * _PER_LINE)))
    params["head"] = lines
    params["max_bytes"] = max(500, most - _AROUND - _PER_LINE * lines)
    # Without it a cursor of the run before would never lead to the next one.
    if text(call, "cursor") != "start":
        params.setdefault("run", "all")
    return params


def _within(found: Shown, reply: OutputReply, room: int, *, marks_matches: bool) -> Shown:
    """As many of the last lines as there is room for, once they have their stamps."""
    lines = reply["lines"]
    # Few rounds, for each takes its time: those that fit get no longer but for what is less cut of long ones.
    while len(lines) > 1 and (beyond := _beyond(found.lines, room)):
        lines = lines[min(beyond, len(lines) - 1) :]
        found = shown(lines, room, marks_matches=marks_matches)
    return found


def _beyond(texts: Sequence[str], room: int) -> int:
    """How many lines come before the last ones that there is room for."""
    for place, row in enumerate(reversed(texts)):
        room -= len(row.encode("utf-8", "replace")) + 1
        if room < 0:
            return len(texts) - place
    return 0


def _header(call: Call, name: str, reply: OutputReply, found: Shown) -> str:
    told = [_which_lines(call, reply, found)]
    if found.wrong:
        told.append(f"{found.wrong} look like errors" if found.wrong > 1 else "1 looks like an error")
    if found.lines and {line["stream"] for line in reply["lines"]} == {"stderr"} and text(call, "stream") != "stderr":
        told.append("all on stderr")
    if found.cut:
        told.append(f"{found.cut} cut in the middle: ask for fewer lines to see more of each")
    if reply["lossy"]:
        told.append("bytes that are not UTF-8 shown as \ufffd")
    if reply["missed_bytes"]:
        told.append(f"{reply['missed_bytes']:,} bytes before are no longer kept")
    if reply["incomplete"]:
        told.append("compared with only a part of the run before")
    more = "; more follows, go on with" if reply["more"] and "cursor" in call.arguments else "; next"
    return f"{name}, {_run_words(call, reply)}: {', '.join(told)}{more} cursor={reply['cursor']}"


def _which_lines(call: Call, reply: OutputReply, found: Shown) -> str:
    new = "cursor" in call.arguments
    chosen = any(name in call.arguments for name in ("grep", "since", "before", "new_in_run", "stream"))
    kind = "new " if new else "matching " if "grep" in call.arguments else ""
    if not found.lines:
        if new:
            return "no new lines shown" if reply["more"] else "no new lines"
        if reply["omitted_lines"]:
            return f"none of {reply['omitted_lines']:,} lines shown"
        return "no such lines" if chosen else "no output yet" if reply["state"] == "running" else "no output"
    omitted = reply["omitted_lines"]
    hidden = (
        None
        if omitted is None
        else omitted + sum(line.get("repeated", 1) for line in reply["lines"]) - found.stands_for
    )
    if hidden == 0:
        return f"{found.stands_for:,} {kind}line{'' if found.stands_for == 1 else 's'}"
    of = "more" if hidden is None else f"{found.stands_for + hidden:,}"
    return f"{'first' if new else 'last'} {found.stands_for:,} of {of} {kind}lines"


def _run_words(call: Call, reply: OutputReply) -> str:
    """``running 13 min``, ``stopped 3 min ago by cursor: lunch``; of an older run its number as well."""
    words = f"{state_words(reply)} {age(reply)}"
    stopped_by = reply["stopped_by"]
    if reply["state"] == "stopped" and stopped_by is not None:
        words += f" by {who(stopped_by, call.caller)}{because(reply['stop_reason'])}"
    if reply["waiting_for_input"] is not None:
        words += f", asks {quoted(reply['waiting_for_input'], 80)}"
    newest = reply["newest_run"]
    return words if reply["run"] == newest else f"run {reply['run']} of {newest}, {words}"


class Tail(NamedTuple):
    """The end of a process's output."""

    text: str
    """Fenced, with a newline before it; empty without output."""
    cursor: str
    lines: list[str]
    """As they are shown."""


async def tail(call: Call, info: ProcessInfo, lines: int = _TAIL_LINES, **selection: object) -> Tail:
    """The last lines of the run that ``info`` is about."""
    params = {**common(call, info["project_directory"]), "process": info["name"], "run": info["run"]}
    params |= {"lines": lines, "max_bytes": _TAIL_BYTES, **selection}
    reply = await call.hub.client.get_process_output(**cast("GetProcessOutputParams", params))
    found = shown(reply["lines"], _TAIL_BYTES)
    name = address(info, directory(call))
    if not found.lines:
        return Tail("", reply["cursor"], [])
    # Who takes the end for all of it looks for the cause in the wrong place.
    more = "\nLast lines; get_process_output has more:" if reply["omitted_lines"] != 0 else ""
    return Tail(f"{more}\n{fenced(found.lines, name)}", reply["cursor"], found.lines)


def with_lines(lines: Sequence[str], end: Tail, name: str) -> str:
    """The end of the output as an answer has it, and before it these lines where they stand further up."""
    above = line_texts(lines)
    if not above or any(above[0] in line for line in end.lines):
        return end.text
    return f"\n{fenced([*above, '...', *end.lines], name)}"


def with_error(readiness: Readiness | None, end: Tail, name: str) -> str:
    """The same with the error that it did not become ready for."""
    return with_lines(readiness["error_lines"] if readiness is not None else [], end, name)
