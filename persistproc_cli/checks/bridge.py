"""Does the bridge answer, where there is one?"""

from __future__ import annotations

from persistproc_core import __version__
from persistproc_core.errors import PersistprocError

from ..bridge import ask
from .finding import Kind, ok

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.paths import Home

    from .finding import Finding

__all__ = ["KINDS", "bridge"]

_AGAIN = "run: `persistproc serve --stop`, then: `persistproc serve` (agents need not be told)"

SILENT = Kind(
    "bridge",
    "bridge-silent",
    "problem",
    "A bridge is there but does not answer as it should. Agents that use it get no answers either.",
    "run: `persistproc serve --stop`; see `~/.persistproc/bridge.log`",
)
OTHER_VERSION = Kind(
    "bridge",
    "bridge-other-version",
    "warning",
    "The bridge was started by another version than this command: after an upgrade it runs on until it is ended.",
    _AGAIN,
)
NO_PORT = Kind(
    "bridge",
    "bridge-no-port",
    "warning",
    "The bridge serves on its socket alone, because its port was taken. Agents that know it by its URL do not find it.",
    _AGAIN,
)
KINDS = (SILENT, OTHER_VERSION, NO_PORT)


def bridge(home: Home) -> Finding:
    """The bridge of the home."""
    try:
        told = ask(home)
    except PersistprocError as error:
        return SILENT.found(error.message, error.hint)
    if told is None:
        return ok("bridge", "not running; persistproc serve starts it, and so does persistproc mcp")
    text = f"version {told.get('version')}, pid {told.get('pid')}, {told.get('url') or 'on its socket alone'}"
    if told.get("version") != __version__:
        return OTHER_VERSION.found(f"{text}, but this command line is {__version__}")
    if told.get("port_problem"):
        return NO_PORT.found(f"{text}: {told['port_problem']}")
    return ok("bridge", text)
