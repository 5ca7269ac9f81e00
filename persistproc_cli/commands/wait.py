"""``persistproc wait``."""

from __future__ import annotations

import time
from contextlib import nullcontext

from ..arguments import Arguments, Command, Option, UsageError
from ..oneline import one_line
from ..output import print_document, say
from ..viewer import Viewer
from ..words import address, ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import WaitForProcessParams, WaitReply

    from ..context import Context

__all__ = ["COMMAND"]

DEFAULT_SECONDS = 60.0


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
        reply = Viewer(context, client, nullcontext()).read(wait)
    if context.json:
        print_document(reply)
    else:
        say(_describe(reply))
    return 0


def _params(arguments: Arguments) -> WaitForProcessParams:
    params: WaitForProcessParams = {"process": arguments.words[0]}
    if arguments.flag("--exit"):
        params["exit"] = True
    output, port, timeout = arguments.text("--output"), arguments.integer("--port"), arguments.number("--timeout")
    if output == "":
        raise UsageError("--output needs a regular expression")
    if output is not None:
        params["output"] = output
    if port is not None:
        params["port"] = port
    if timeout is not None:
        params["timeout_seconds"] = timeout
    return params


def _describe(reply: WaitReply) -> str:
    name = one_line(address(reply))
    if reply["met"] == "output":
        return one_line(reply["line"] or "")
    if reply["met"] == "port":
        listening = ", ".join(f"{listener['address']}:{listener['port']}" for listener in reply["ports"])
        return f"{name} listens on {one_line(listening)}"
    return f"{name} {ending(reply)}"


COMMAND = Command(
    "wait",
    "NAME [--exit] [--output REGEX] [--port N]",
    "Wait until one of the conditions is true; without any: until the process ends.",
    _run,
    options=(
        Option("--exit", help="until it ends"),
        Option("--output", "-o", value="REGEX", help="until a line of its output matches, also an earlier one"),
        Option("--port", "-p", value="N", help="until it listens on this TCP port"),
        Option("--timeout", "-t", value="SECONDS", help="give up after this long (default 60)"),
    ),
    words=(1, 1),
    examples=(
        "persistproc wait web --port 3000",
        "persistproc wait web --output 'ready in'",
        "persistproc wait build --exit --timeout 600",
    ),
    notes=(
        "Exit code 0 when the condition is true (however the process ended), 124 when the time is up,\n"
        "1 when the process ended and the condition can no longer become true."
    ),
)
