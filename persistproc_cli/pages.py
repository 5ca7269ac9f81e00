"""All that was asked for of one log, reply by reply.

A reply is bounded, an answer is not: it is asked for in pages, each from the cursor of the one before. Where it ends is
settled first, for a program that writes faster than we read would never let us come to an end.
"""

from __future__ import annotations

from persistproc_core.client.wire import piece_bytes

from .output import note
from .selection import MAX_LINES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from persistproc_core.protocol import GetProcessOutputParams, OutputReply

    from .selection import Selection

__all__ = ["pages"]


def pages(
    ask: Callable[[GetProcessOutputParams], OutputReply], selection: Selection, params: GetProcessOutputParams
) -> Iterator[OutputReply]:
    """The replies that make up what is selected, oldest first; the cursor of the last one is the place to go on.

    ``params`` are those of the selection with the process and the format. At least one reply comes.
    """
    if selection.tail is not None:
        return _last(ask, params, selection.tail)
    return _first(ask, params, selection.head)


def _last(
    ask: Callable[[GetProcessOutputParams], OutputReply], params: GetProcessOutputParams, wanted: int
) -> Iterator[OutputReply]:
    reply = ask(_with(params, lines=min(wanted, MAX_LINES)))
    left = wanted - _counted(reply, params) - _is_cut(reply, params)
    if not _earlier(reply, left):
        yield reply
        return
    end, start, run = reply["cursor"], reply["start"], _run_of(params, reply)
    # Only to find where it begins: keeping what is passed on the way would be keeping all of it.
    back = _without_mark(_with(params, run=run))
    if "grep" not in params and "new_in_run" not in params:
        back["format"] = "raw"  # is counted at a fraction of the cost
        back["timestamps"] = False
    while _earlier(reply, left):
        reply = ask(_with(back, lines=min(left, MAX_LINES), before=start))
        if reply["start"] == start:
            break
        start, left = reply["start"], left - _counted(reply, back)
    yield from _onwards(ask, _from_cursor(_with(params, run=run), start, end), None)


def _earlier(reply: OutputReply, left: int) -> bool:
    return left > 0 and reply["omitted_lines"] != 0 and reply["omitted_bytes"] > 0


def _run_of(params: GetProcessOutputParams, reply: OutputReply) -> str | int:
    """The runs to stay in: a page that has an end would be of all runs, unless it is told otherwise."""
    if "run" in params:
        return params["run"]
    return "all" if "since" in params or "before" in params else reply["run"]


def _first(
    ask: Callable[[GetProcessOutputParams], OutputReply], params: GetProcessOutputParams, wanted: int | None
) -> Iterator[OutputReply]:
    last = ask(_with(params, lines=0))
    page = _without_mark(_with(params, head=MAX_LINES, run=_run_of(params, last)))
    if "since" not in params:
        page["cursor"] = "start"
    if "before" not in page:
        page["before"] = last["cursor"]
    yield from _onwards(ask, page, wanted)


def _onwards(
    ask: Callable[[GetProcessOutputParams], OutputReply], page: GetProcessOutputParams, wanted: int | None
) -> Iterator[OutputReply]:
    left = wanted
    while True:
        if left is not None:
            page["head"] = min(left, MAX_LINES)
        reply = ask(page)
        yield reply
        if left is not None:
            left -= _counted(reply, page)
        if not reply["more"] or (left is not None and left <= 0):
            return
        if reply["cursor"] == page.get("cursor"):
            note(f"{reply['name']}: the daemon comes no further here; what follows is not shown")
            return
        page = _from_cursor(page, reply["cursor"], page["before"])


def _counted(reply: OutputReply, page: GetProcessOutputParams) -> int:
    """How many lines a reply stands for. In pieces (raw) these are their newlines: a line may be cut between two."""
    if page.get("format") == "raw":
        return b"".join(map(piece_bytes, reply["lines"])).count(b"\n")
    return sum(line.get("repeated", 1) for line in reply["lines"])


def _is_cut(reply: OutputReply, page: GetProcessOutputParams) -> bool:
    """True when pieces end in the middle of a line, which is the last one all the same."""
    lines = reply["lines"]
    return page.get("format") == "raw" and bool(lines) and not piece_bytes(lines[-1]).endswith(b"\n")


def _with(params: GetProcessOutputParams, **more: object) -> GetProcessOutputParams:
    return {**params, **more}  # type: ignore[typeddict-item]


def _without_mark(params: GetProcessOutputParams) -> GetProcessOutputParams:
    # It is set by the first request already; set again it would stand behind what was not shown.
    params.pop("mark", None)
    return params


def _from_cursor(params: GetProcessOutputParams, cursor: str, end: str) -> GetProcessOutputParams:
    page = _without_mark(_with(params, cursor=cursor, before=end, head=MAX_LINES))
    # The place is settled now: an age would have moved on meanwhile.
    page.pop("since", None)
    return page
