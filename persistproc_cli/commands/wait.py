"""``persistproc wait``."""

from __future__ import annotations

import time
from contextlib import nullcontext

from persistproc_core.errors import WaitFailed, WaitTimedOut

from ..arguments import Arguments, Command, Option, UsageError
from ..oneline import one_line
from ..output import note, print_document, say, shortened, tell_line
from ..render import state_words
from ..viewer import Viewer
from ..words import address, ending, how_to_answer, ready_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import State, WaitForProcessParams, WaitReply

    from ..context import Context

__all__ = ["COMMAND"]

DEFAULT_SECONDS = 60.0
_LAST_LINES = 10
_STATES: tuple[State, ...] = ("starting", "running", "stopping", "stopped", "exited", "failed", "restarting", "lost")


def _run(context: Context, arguments: Arguments) -> int:
    params = _params(arguments)
    deadline = time.monotonic() + params.get("timeout_seconds", DEFAULT_SECONDS)
    asked = 0

    def wait(client: Client) -> WaitReply:
        nonlocal asked
        if asked:
            params["timeout_seconds"] = max(0.0, deadline - time.monotonic())
        asked += 1
        return client.wait_for_process(**params)

    with context.connect() as client:
        try:
            reply = Viewer(context, client, nullcontext()).read(wait)
        except (WaitTimedOut, WaitFailed) as error:
            if error.data.get("waiting_for_input") is not None and "persistproc send" not in error.hint:
                error.hint = f"it waits for input; {how_to_answer(arguments.words[0])}"
            raise
    if context.json:
        print_document(reply)
    else:
        say(_describe(reply, arguments))
        _tell_end(reply)
    return 0


def _params(arguments: Arguments) -> WaitForProcessParams:
    params: WaitForProcessParams = {"process": arguments.words[0]}
    if arguments.flag("--exit"):
        params["exit"] = True
    port, idle, timeout = arguments.integer("--port"), arguments.number("--idle"), arguments.number("--timeout")
    _take_texts(params, arguments)
    if arguments.flag("--ready"):
        params["ready"] = True
    if arguments.flag("--any-port"):
        params["any_port"] = True
    if port is not None:
        params["port"] = port
    if idle is not None:
        params["idle_seconds"] = idle
    if timeout is not None:
        params["timeout_seconds"] = timeout
    return params


def _take_texts(params: WaitForProcessParams, arguments: Arguments) -> None:
    for name in ("--output", "--since", "--url", "--state"):
        if arguments.text(name) == "":
            raise UsageError(f"{name} needs a value that is not empty")
    output, since = arguments.text("--output"), arguments.text("--since")
    url, state = arguments.text("--url"), arguments.text("--state")
    if output is not None:
        params["output"] = output
    if since is not None:
        if output is None:
            raise UsageError("--since says which lines count for --output", hint="give --output REGEX as well")
        params["since"] = since
    if url is not None:
        params["url"] = url
    if state is not None:
        for known in _STATES:
            if state == known:
                params["state"] = known
                return
        raise UsageError(f"there is no state {state!r}", hint=f"states are {', '.join(_STATES)}")


def _describe(reply: WaitReply, arguments: Arguments) -> str:
    """What it saw."""
    name = one_line(address(reply))
    if reply["met"] == "output":
        return one_line(reply["line"] or "")
    if reply["met"] == "port":
        listening = ", ".join(f"{listener['address']}:{listener['port']}" for listener in reply["ports"])
        return f"{name} listens on {one_line(listening)}"
    if reply["met"] == "url":
        return f"{one_line(arguments.text('--url') or name)} answered {reply['status_code']}"
    if reply["met"] == "idle":
        return f"{name} has printed nothing for {arguments.number('--idle'):g} s; it is {state_words(reply)}"
    if reply["readiness"] is not None:
        return f"{name} is {ready_words(reply['readiness'])}"
    if reply["met"] == "state":
        return f"{name} is {state_words(reply)}"
    return f"{name} {ending(reply)}"


def _tell_end(reply: WaitReply) -> None:
    """After it has become quiet or has ended, how its output ended is what somebody wants to know next."""
    for line in reply["last_lines"][-_LAST_LINES:] if reply["met"] in ("idle", "exit") else ():
        tell_line(line)
    if reply["waiting_for_input"] is not None:
        note(f"it waits for input: {shortened(reply['waiting_for_input'])}")
        note(how_to_answer(one_line(address(reply))))


COMMAND = Command(
    "wait",
    "NAME [--exit | --ready | --output REGEX | --port N | --any-port | --url URL | --state STATE | --idle SECONDS]",
    "Wait until one of the conditions is true; without any: until the process ends.",
    _run,
    options=(
        Option("--exit", help="until it ends"),
        Option("--ready", "-r", help="until it is ready: as it was started to be, else by the first sign"),
        Option("--output", "-o", value="REGEX", help="until a line of its output matches, also an earlier one"),
        Option("--since", value="WHEN", help="with --output: only lines after a time, an age (10s, 5m) or mark:NAME"),
        Option("--port", "-p", value="N", help="until it listens on this TCP port"),
        Option("--any-port", help="until it listens on any TCP port"),
        Option("--url", "-u", value="URL", help="until this http(s) URL answers with a status below 500"),
        Option("--state", value="STATE", help="until it is running, exited, failed, stopped, ..."),
        Option("--idle", value="SECONDS", help="until it has printed nothing for so long"),
        Option("--timeout", "-t", value="SECONDS", help="give up after this long (default 60)"),
    ),
    words=(1, 1),
    examples=(
        "persistproc wait web --ready",
        "persistproc wait web --port 3000",
        "persistproc wait web --any-port",
        "persistproc wait web --output 'ready in'",
        "persistproc wait web --url http://localhost:3000/health",
        "persistproc wait web --output 'compiled|error' --since mark:before-edit",
        "persistproc wait build --exit --timeout 600",
    ),
    notes=(
        "Says what it saw. When the condition does not come true, the last lines of the output go to standard error,\n"
        "and the question, if the process waits for an answer.\n"
        "Exit code 0 when the condition is true (however the process ended), 124 when the time is up,\n"
        "1 when the process ended and the condition can no longer become true."
    ),
)
