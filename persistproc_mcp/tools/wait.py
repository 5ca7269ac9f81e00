"""wait_for_process: at most 50 s a call; what has not come by then is no error, but a reason to call again."""

from __future__ import annotations

from typing import cast

from persistproc_core.errors import WaitFailed, WaitTimedOut
from persistproc_core.protocol import ProcessInfo, StatusReply, TargetParams, WaitForProcessParams, WaitReply

from .calling import asked, beating, directory, given, number
from .holders import port_trouble
from .output import tail, with_error, with_lines
from .readiness import readiness_in
from .text.processes import LIVE, address, ending, listening, mend, ran_for, state_words, what_is_so
from .text.safe import inline, quoted
from .text.times import after
from .tool import Answer, Call

__all__ = ["wait_for_process"]

DEFAULT_SECONDS = 30.0
_LAST_LINES = 10
_CONDITIONS = ("ready", "output", "port", "any_port", "url", "idle_seconds", "exit")


async def wait_for_process(call: Call) -> Answer:
    """Until the first of the conditions is true; without any until it ends."""
    most = number(call, "timeout_seconds", DEFAULT_SECONDS)
    process = inline(str(call.arguments["process"]), 60)
    try:
        met = await beating(call, most, f"waiting for {process}", lambda: _wait(call, most))
    except WaitFailed as failed:
        return await _failed(call, failed)
    except WaitTimedOut as late:
        return await _not_yet(call, late)
    return await _met(call, met)


async def _wait(call: Call, most: float) -> WaitReply:
    params = asked(call, *_CONDITIONS)
    # An answer says since=... whatever was waited for; it only means something for lines.
    if "output" in call.arguments:
        params |= given(call, "since")
    params["timeout_seconds"] = most
    return await call.hub.client.wait_for_process(**cast("WaitForProcessParams", params))


async def _met(call: Call, met: WaitReply) -> Answer:
    name = address(met, directory(call))
    end = await tail(call, met, _LAST_LINES)
    if met["met"] == "exit":
        head = f"{name} {ending(met)}{ran_for(met)}."
    elif met["readiness"] is not None:
        head = f"{name} is ready: {inline(met['readiness']['words'])}; now {_now(met)}."
    else:
        head = f"{name}: {_what(met)} {after(met['elapsed_seconds'])}; now {_now(met)}."
    body = with_lines([met["line"]] if met["line"] else [], end, name)
    return Answer(f"{head} cursor={end.cursor}{body}", about=(met["run_id"],))


def _what(met: WaitReply) -> str:
    if met["met"] == "output":
        return "a line matched"
    if met["met"] == "url":
        return f"the URL answered {met['status_code']}"
    return {"port": "listening", "idle": "quiet"}.get(met["met"], met["met"])


def _now(info: ProcessInfo) -> str:
    urls = listening(info["ports"])
    return state_words(info) + (f" at {urls}" if urls else "")


async def _status(call: Call) -> StatusReply:
    return await call.hub.client.get_process_status(**cast("TargetParams", asked(call)))


async def _not_yet(call: Call, late: WaitTimedOut) -> Answer:
    status = await _status(call)
    end = await tail(call, status, _LAST_LINES)
    if "output" in call.arguments:
        # What was printed between the end of the wait and the cursor would be seen by neither this call nor the next.
        try:
            return await _met(call, await _wait(call, 0))
        except WaitTimedOut:
            pass
        except WaitFailed as failed:
            return await _failed(call, failed)
    name = address(status, directory(call))
    told = [f"Not yet: {what_is_so(late, status, name)}."]
    if status["waiting_for_input"] is not None:
        told.append(f"It asks for input: {quoted(status['waiting_for_input'])}.")
    again_with = f"since={end.cursor}" if "output" in call.arguments else "the same arguments"
    told.append(f"To go on waiting call again with {again_with}.")
    return Answer(f"{' '.join(told)} cursor={end.cursor}{end.text}", about=(status["run_id"],))


async def _failed(call: Call, failed: WaitFailed) -> Answer:
    status = await _status(call)
    name = address(status, directory(call))
    end = await tail(call, status, _LAST_LINES)
    asks = failed.data.get("waiting_for_input")
    if isinstance(asks, str):
        text = f'{name} asks for input: {quoted(asks)}. Answer with send_process_input(process="{name}", input=...).'
        return Answer(f"{text} cursor={end.cursor}{end.text}", failed=True, about=(status["run_id"],))
    told = [f"{what_is_so(failed, status, name)}."]
    body = with_error(readiness_in(failed), end, name)
    if status["state"] not in LIVE:
        told += [await port_trouble(call, status), mend(status, name)]
    else:
        told.append("Call it again to wait for the run that is there now.")
    return Answer(f"{' '.join(filter(None, told))} cursor={end.cursor}{body}", failed=True, about=(status["run_id"],))
