"""``persistproc mcp``: MCP over stdio, for agents that start their servers themselves."""

from __future__ import annotations

import os
import sys

from persistproc_core.errors import DaemonUnavailable

from ..arguments import Arguments, Command, Option, UsageError
from ..bridge import RELAY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

__all__ = ["COMMAND"]

_LAST_PORT = 65535


def _run(context: Context, arguments: Arguments) -> int:
    options = ["--no-port"] if arguments.flag("--no-port") else []
    port = arguments.integer("--port")
    if port is not None:
        if port > _LAST_PORT or options:
            raise UsageError(f"--port needs a number from 0 to {_LAST_PORT}, and no --no-port")
        options = ["--port", str(port)]
    # -I -S: of our own packages and the standard library alone. An agent waits for it at each start.
    command = [sys.executable, "-I", "-S", RELAY, "--home", context.home().path, *options]
    try:
        os.execv(command[0], command)
    except OSError as error:
        raise DaemonUnavailable(f"cannot start {sys.executable}: {error.strerror}") from None


COMMAND = Command(
    "mcp",
    "",
    "Speak MCP over standard input and output with the agent that has started this.",
    _run,
    options=(
        Option("--port", value="N", help="port of a bridge that has to be started (default: the last one's, or 8947)"),
        Option("--no-port", help="no port for it either: its socket alone"),
    ),
    examples=("claude mcp add --scope user persistproc -- persistproc mcp",),
    notes=(
        "A thin relay to the bridge (see serve), which it starts in the background when there is none, without a port\n"
        "when that is taken. Names are looked up, and commands run, in the directory that it is started in. It ends\n"
        "with its standard input; the bridge, the daemon and all processes go on."
    ),
)
