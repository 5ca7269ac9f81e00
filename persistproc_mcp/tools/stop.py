"""stop_process: end a process and all that it started."""

from __future__ import annotations

from typing import cast

from persistproc_core.protocol import StopProcessParams, StopReply

from .calling import asked, beating, directory
from .text.processes import address, past, state_words
from .tool import Answer, Call

__all__ = ["stop_process"]


async def stop_process(call: Call) -> Answer:
    """Answers when nothing of it is left."""
    client = call.hub.client
    params = cast("StopProcessParams", asked(call, "grace_seconds", "force", "reason"))
    info = await beating(call, None, "stopping", lambda: client.stop_process(**params))
    name = address(info, directory(call))
    if info["already_stopped"]:
        text = f"{name} was not running: {past(info, call.caller)}."
        return Answer(text, about=(info["run_id"],))
    return Answer(_stopped(name, info), about=(info["run_id"],))


def _stopped(name: str, info: StopReply) -> str:
    if info["state"] != "stopped" and not info["stopped_pids"]:
        return f"{name} had ended by itself ({state_words(info)}); it is not started again."
    count = len(info["stopped_pids"])
    gone = f"{count} processes are gone" if count > 1 else "nothing of it is left"
    if info["ended_by"] == "SIGKILL":
        return f"Killed {name} (SIGKILL); {gone}."
    return f"Stopped {name} ({info['ended_by'] or 'it ended by itself'}); {gone}."
