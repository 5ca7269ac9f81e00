"""``persistproc version``."""

from __future__ import annotations

import sys

from ..arguments import Arguments, Command
from ..output import print_document, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    from persistproc_core import __version__
    from persistproc_core.errors import DaemonUnavailable, VersionMismatch

    daemon: dict[str, object] | None = None
    try:
        with context.connect(autostart=False) as client:
            hello = client.hello
            daemon = {"version": hello["version"], "protocol": hello["protocol"], "pid": hello["pid"]}
    except (DaemonUnavailable, VersionMismatch):
        pass
    python = ".".join(map(str, sys.version_info[:3]))
    if context.json:
        print_document({"version": __version__, "python": python, "daemon": daemon})
        return 0
    say(f"persistproc {__version__} (Python {python})")
    if daemon is not None:
        say(f"daemon {daemon['version']}, protocol {daemon['protocol']}, pid {daemon['pid']}")
    return 0


COMMAND = Command("version", "", "Show the versions of the command line and of the running daemon.", _run)
