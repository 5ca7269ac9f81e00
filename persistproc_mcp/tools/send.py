"""send_process_input: answer a prompt, and see what comes of it."""

from __future__ import annotations

from typing import cast

from persistproc_core.errors import PersistprocError
from persistproc_core.protocol import GetProcessOutputParams, OutputReply, SendProcessInputParams, TargetParams

from .calling import asked, directory
from .failures import plain
from .text.fence import fenced
from .text.lines import shown
from .text.processes import address, state_words
from .text.safe import inline, quoted
from .tool import Answer, Call

__all__ = ["send_process_input"]

_FIRST_SECONDS = 1.0
_QUIET_SECONDS = 0.3
_MOST_SECONDS = 2.0
_MOST_BYTES = 3000


async def send_process_input(call: Call) -> Answer:
    """Write it, wait a moment, and show what was printed since."""
    client = call.hub.client
    before = await _read(call, {"lines": 0})
    params = cast("SendProcessInputParams", asked(call, "input", "newline", "force", "reason"))
    sent = await client.send_process_input(**params)
    told = f"Sent {sent['bytes']} byte{'' if sent['bytes'] == 1 else 's'} to"
    try:
        return await _what_came(call, told, before["cursor"])
    except PersistprocError as error:
        # Who reads only what went wrong afterwards sends it again.
        return Answer(f"{told} {inline(sent['name'])}. What came of it could not be read: {plain(error)}", failed=True)


async def _what_came(call: Call, told: str, cursor: str) -> Answer:
    # All: it may have been started again between the cursor and the input.
    since = {"cursor": cursor, "run": "all"}
    await _read(call, {**since, "wait_seconds": _FIRST_SECONDS})
    reply = await _read(call, {**since, "idle_seconds": _QUIET_SECONDS, "wait_seconds": _MOST_SECONDS})
    status = await call.hub.client.get_process_status(**cast("TargetParams", asked(call)))
    name = address(status, directory(call))
    told = f"{told} {name}; now {state_words(status)}"
    asks = status["waiting_for_input"]
    told += f": {quoted(asks)}." if asks is not None else "."
    lines = shown(reply["lines"], _MOST_BYTES).lines
    body = f"\n{fenced(lines, name)}" if lines else " Nothing was printed since."
    more = " More follows, go on with" if reply["more"] else ""
    return Answer(f"{told}{more} cursor={reply['cursor']}{body}", about=(status["run_id"],))


async def _read(call: Call, selection: dict[str, object]) -> OutputReply:
    params = {**asked(call), "max_bytes": _MOST_BYTES, **selection}
    return await call.hub.client.get_process_output(**cast("GetProcessOutputParams", params))
