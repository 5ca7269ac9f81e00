"""Whether the URL in an agent's configuration is the one that the bridge serves now."""

from __future__ import annotations

from persistproc_core.errors import PersistprocError

from ..bridge import ask
from .connection import MCP_PATH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

__all__ = ["Served", "url_of"]

_URL_KEYS = ("url", "httpUrl", "serverUrl", "uri")
_EVERY_ADDRESS = ("0.0.0.0", "::")


def url_of(entry: object) -> str | None:
    """The URL of an entry; None for one that starts a program."""
    values = [entry.get(key) for key in _URL_KEYS] if isinstance(entry, dict) else []
    return next((value for value in values if isinstance(value, str)), None)


class Served:
    """What the bridge serves. ``url``: where MCP is, None without; ``problem``: why there is none."""

    __slots__ = ("_host", "problem", "url")

    def __init__(self, url: str | None = None, host: str = "", problem: str = "") -> None:
        self.url = url
        self.problem = problem
        self._host = host

    @classmethod
    def now(cls, context: Context) -> Served:
        """Ask the bridge. Raises nothing: a list of files can be told without it."""
        try:
            told = ask(context.home())
        except PersistprocError as error:
            return cls(problem=error.message)
        if told is None:
            return cls(problem="nothing serves; run: persistproc serve --detach")
        if not told.get("url"):
            why = told.get("port_problem")
            return cls(problem=f"the bridge serves no port{f': {why}' if why else ''}")
        return cls(f"{told['url']}{MCP_PATH}", host=str(told.get("host")))

    def is_at(self, url: str) -> bool:
        """True when the URL leads to the bridge, as far as the names of this machine tell."""
        if self.url is None:
            return False
        ours, theirs = _parts(self.url), _parts(url)
        if ours is None or theirs is None or (ours[0], *ours[2:]) != (theirs[0], *theirs[2:]):
            return False
        # Behind every address the name may be any: of this machine, or of the host that a container sees.
        return self._host in _EVERY_ADDRESS or ours[1] == theirs[1]


def _parts(url: str) -> tuple[str, str, int | None, str] | None:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        return None
    return parts.scheme, "127.0.0.1" if host == "localhost" else host, port, parts.path.rstrip("/")
