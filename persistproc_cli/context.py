"""What every verb needs: where the home is, how to print, and the way to the daemon."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.paths import Home

__all__ = ["CLIENT_NAME", "Context", "current_directory"]

CLIENT_NAME = "persistproc-cli"


def current_directory() -> str | None:
    """The working directory; when it has been deleted, the path it had, as far as the shell told us."""
    try:
        return os.getcwd()
    except OSError:
        path = os.environ.get("PWD", "")
        return path if path.startswith("/") else None


class Context:
    """One call of the command line."""

    __slots__ = ("client", "directory", "home_path", "json")

    def __init__(self) -> None:
        self.home_path: str | None = None
        self.json = False
        self.client: Client | None = None
        """The one that was made last."""
        self.directory = current_directory()

    def connect(self, *, autostart: bool = True) -> Client:
        """A client of the daemon, which is started when none runs (and ``autostart`` is not off)."""
        from persistproc_core import __version__
        from persistproc_core.client.sync import Client

        self.client = Client(
            home=self.home_path,
            autostart=autostart,
            name=CLIENT_NAME,
            version=__version__,
            working_directory=self.directory,
        )
        return self.client

    def connect_to_any(self, seconds: float) -> Client:
        """A client of the daemon that runs, whatever its version: for what is about the daemon itself."""
        from persistproc_core.client.sync import Client

        return Client(home=self.home_path, autostart=False, timeout=seconds, any_protocol=True)

    def home(self) -> Home:
        """The paths of the home."""
        from persistproc_core.paths import resolve_home

        return resolve_home(self.home_path)
