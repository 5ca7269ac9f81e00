"""The answer after a start or restart: what came of it, and the first output."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from persistproc_core.errors import PersistprocError
from persistproc_core.protocol import ProcessInfo, StatusReply, TargetParams, WaitReply

from .calling import common, directory
from .failures import plain
from .holders import port_trouble
from .output import tail, with_error
from .readiness import Outcome
from .text.processes import (
    LIVE,
    address,
    ending,
    left_behind,
    listening,
    mend,
    outlook,
    ran_for,
    state_words,
    what_is_so,
)
from .text.safe import inline, quoted
from .text.times import after
from .tool import Answer, Call

__all__ = ["launched"]


async def launched(
    call: Call, info: ProcessInfo, head: str, wait: Callable[[], Awaitable[Outcome]], notes: list[str]
) -> Answer:
    """``head`` says what was done, ``wait`` tells what comes of it, ``notes`` are what else there is to know."""
    try:
        return await _told(call, info, head, await wait(), notes)
    except PersistprocError as error:
        # It is done. Who reads only what went wrong afterwards does it again.
        how = f'get_process_status(process="{address(info, directory(call))}") tells how it is.'
        return Answer(f"{head} What comes of it was not waited for: {plain(error)} {how}", True, (info["run_id"],))


async def _told(call: Call, info: ProcessInfo, head: str, outcome: Outcome, notes: list[str]) -> Answer:
    target = {**common(call, info["project_directory"]), "process": info["name"]}
    status = await call.hub.client.get_process_status(**cast("TargetParams", target))
    end = await tail(call, info)
    name = address(status, directory(call))
    failed = status["run"] == info["run"] and _has_failed(status, outcome)
    sentences = [head, _state(status, outcome, name, info), left_behind(status, name), *notes]
    if failed:
        sentences += [await port_trouble(call, status), mend(status, name)]
    told = " ".join(sentence for sentence in sentences if sentence)
    body = with_error(outcome.readiness, end, name) if failed else end.text
    return Answer(f"{told} cursor={end.cursor}{body}", failed, (status["run_id"],), tells_change=True)


def _has_failed(status: StatusReply, outcome: Outcome) -> bool:
    if status["state"] in LIVE:
        return False
    # A build that ends well is a success, but not for who waits for a port.
    return status["state"] != "exited" or outcome.asked or _never_ready(outcome)


def _never_ready(outcome: Outcome) -> bool:
    return outcome.readiness is not None and outcome.readiness["outcome"] == "failed"


def _state(status: StatusReply, outcome: Outcome, name: str, info: ProcessInfo) -> str:
    """What is true now."""
    if status["run"] != info["run"]:
        return _later(status)
    if status["state"] not in LIVE:
        plan = outlook(status)
        return f"It {ending(status)}{ran_for(status)}{_before(outcome, status)}{f'; {plan}' if plan else ''}."
    if status["waiting_for_input"] is not None:
        return (
            f"It asks for input: {quoted(status['waiting_for_input'])}. "
            f'Answer with send_process_input(process="{name}", input=...).'
        )
    urls = listening(status["ports"])
    at = f" at {urls}" if urls else ""
    took = after(outcome.seconds)
    if outcome.late is not None and (outcome.asked or status["ready"] is False):
        told = f"Not ready yet: {what_is_so(outcome.late, status, name)}."
        # Often the port that was asked for is the wrong one.
        return f"{told}{f' It listens{at}.' if at else ''} wait_for_process waits longer."
    if outcome.met is not None and (outcome.asked or (_is_seen(outcome) and not info.get("already_running"))):
        return f"Ready {took}{_how(outcome.met)}{f', listening{at}' if at else ''}."
    if at:
        return f"Listening{at}."
    if outcome.met is None and outcome.late is None:
        return "It runs."
    return f"It runs; no port is open {took}."


def _later(status: StatusReply) -> str:
    """Another run has taken the place of the one that was started here."""
    if not status["restarts"]:
        return f"Meanwhile run {status['run']} of it was started by somebody else."
    why = inline(status["start_reason"] or "restart policy", 200)
    return f"It did not last: run {status['run']} of it is {state_words(status)} by now ({why})."


def _before(outcome: Outcome, status: StatusReply) -> str:
    if outcome.met is not None:
        return ""
    if outcome.asked:
        return ", before what you wait for"
    return ", before it was ready" if _never_ready(outcome) and status["state"] == "exited" else ""


def _is_seen(outcome: Outcome) -> bool:
    """Whether it was more than silence."""
    return outcome.readiness is not None and outcome.readiness["by"] not in (None, "quiet")


def _how(met: WaitReply) -> str:
    seen = met["readiness"]
    by, code = (seen["by"], seen["status_code"]) if seen is not None else (met["met"], met["status_code"])
    if by == "output":
        return " (a line matched)"
    if by == "url" and code is not None:
        return f" (the URL answered {code})"
    return " (its ready command succeeded)" if by == "command" else ""
