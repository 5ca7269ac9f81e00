"""``persistproc serve`` and ``persistproc --serve``: the daemon, and what the bridge will add to it."""

from __future__ import annotations

from ..arguments import Arguments, Command
from ..output import print_document, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    with context.connect() as client:
        status = client.get_daemon_status()
    if context.json:
        print_document({"daemon": status, "bridge": None})
        return 0
    say(f"the daemon runs (pid {status['pid']}); terminals and the client library can use it now")
    say("the bridge that serves AI agents (MCP) and HTTP is not part of this release; it comes with the next")
    return 0


COMMAND = Command(
    "serve",
    "",
    "Make sure that the daemon runs. The bridge for MCP and HTTP comes with the next release.",
    _run,
    examples=("persistproc --serve",),
)
