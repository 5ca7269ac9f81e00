"""``persistproc logs``: what a process printed."""

from __future__ import annotations

import sys

from ..arguments import Arguments, Command, Option, UsageError
from ..output import note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import GetProcessOutputParams, OutputLine

    from ..context import Context
    from ..stream import Sinks

__all__ = ["COMMAND"]

DEFAULT_LINES = 100
MAX_LINES = 10_000
MAX_BYTES = 256 * 1024


def _run(context: Context, arguments: Arguments) -> int:
    from ..stream import Sinks

    params = _params(arguments)
    raw = arguments.flag("--raw")
    params["format"] = "plain" if context.json and not raw else "raw"
    sinks = Sinks(merged=True, raw=raw, as_json=context.json)
    with context.connect() as client:
        if arguments.flag("--follow"):
            return _follow(context, client, params, sinks)
        _show(client, params, sinks)
    sinks.close()
    sinks.end_line()
    return 0


def _params(arguments: Arguments) -> GetProcessOutputParams:
    params: GetProcessOutputParams = {"process": arguments.words[0], "max_bytes": MAX_BYTES}
    if arguments.text("--lines") == "all":
        params["cursor"] = "start"
    else:
        lines = arguments.integer("--lines")
        params["lines"] = DEFAULT_LINES if lines is None else min(lines, MAX_LINES)
    stream = arguments.text("--stream")
    if stream == "stdout":
        params["stream"] = "stdout"
    elif stream == "stderr":
        params["stream"] = "stderr"
    elif stream not in (None, "combined"):
        raise UsageError(f"--stream needs stdout, stderr or combined, not {stream!r}")
    run = arguments.text("--run")
    if run is not None:
        params["run"] = int(run) if run.isascii() and run.isdigit() and len(run) < 10 else run
    return params


def _show(client: Client, params: GetProcessOutputParams, sinks: Sinks) -> None:
    """Show what there is; with ``cursor`` all of it, however many replies that takes."""
    # Without an end, a program that writes faster than we read would make this a never-ending `-f`.
    left = _written(client, params) if "cursor" in params else sys.maxsize
    while True:
        reply = client.get_process_output(**params)
        sinks.show(reply)
        left -= reply["missed_bytes"] + sum(_size(line) for line in reply["lines"])
        if left <= 0 or not reply["more"]:
            return
        params.pop("lines", None)
        params["cursor"] = reply["cursor"]
        params["run"] = reply["run"]


def _written(client: Client, params: GetProcessOutputParams) -> int:
    """How many bytes the current run has written so far; more than that matters only of a run that still writes."""
    logs = client.get_process_log_paths(process=params["process"])
    return sum(
        log["bytes"] for log in logs["streams"] if params.get("stream", "combined") in ("combined", log["stream"])
    )


def _size(line: OutputLine) -> int:
    return len(line["base64"]) * 3 // 4 if "base64" in line else len(line.get("text", "").encode("utf-8", "replace"))


def _follow(context: Context, client: Client, params: GetProcessOutputParams, sinks: Sinks) -> int:
    from ..follow import Follower, say_hub_stopped
    from ..interrupts import Interrupted, Interrupts
    from ..viewer import HubStopped, Viewer
    from ..words import ending

    interrupts = Interrupts()
    try:
        with interrupts:
            process = client.get_process_status(process=params["process"])
        # The cursor of this first reply and not of a second call: what is printed between two calls would be lost.
        with interrupts:
            first = client.get_process_output(**params)
        sinks.show(first)
        follower = Follower(Viewer(context, client, interrupts), process, sinks, interrupts)
        follower.resume(first, params)
        reply = follower.follow()
    except HubStopped:
        sinks.end_line()
        return say_hub_stopped(follower.process, str(params["process"]))
    except Interrupted as interrupted:
        sinks.end_line()
        return 128 + interrupted.number
    note(f"{reply['name']} {ending(reply)}")
    return 0


COMMAND = Command(
    "logs",
    "NAME [-f] [-n N]",
    "Show the last lines that a process printed, also after it ended.",
    _run,
    options=(
        Option("--follow", "-f", help="go on with what it prints, also over restarts; ends when it ends"),
        Option("--lines", "-n", value="N", help=f"how many lines (default {DEFAULT_LINES}), or all"),
        Option("--stream", value="WHICH", help="stdout, stderr or combined (default)"),
        Option("--run", value="RUN", help="current (default), previous, or a number"),
        Option("--raw", help="the bytes as they were written, whatever they are"),
    ),
    words=(1, 1),
    examples=("persistproc logs web", "persistproc logs -f web", "persistproc logs -n all --stream stderr web"),
    notes=(
        "Everything goes to standard output. On a terminal colours are kept, and whatever else acts on a terminal is\n"
        "removed; piped it is plain text. Ctrl-C ends -f; the process is not touched."
    ),
)
