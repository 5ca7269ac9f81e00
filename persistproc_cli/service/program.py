"""What a service runs: this very installation, for one home."""

from __future__ import annotations

import os
import sys

from persistproc_core.paths import HOME_VARIABLE

from ..bridge import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.paths import Home

__all__ = ["Program", "bridge_program", "daemon_program", "usual_home"]

_USUAL_PORT = 8947
_USUAL_HOST = "127.0.0.1"


class Program:
    """An argument list and the variables that it needs."""

    __slots__ = ("argv", "home", "role", "stop", "variables")

    def __init__(
        self, role: str, home: str, argv: tuple[str, ...], variables: dict[str, str], stop: tuple[str, ...] = ()
    ) -> None:
        self.role = role
        """daemon or bridge."""
        self.home = home
        self.argv = argv
        self.variables = variables
        self.stop = stop
        """What ends one that runs already, where the program does not do that itself."""


def daemon_program(home: Home) -> Program:
    """The daemon, in place of one that a client has started before."""
    return Program(
        "daemon", home.path, (sys.executable, "-m", "persistproc_core.daemon", "--take-over"), _variables(home)
    )


def bridge_program(home: Home) -> Program:
    """The bridge; on the port, and with the token, of the one that serves now, so that agents find it again.

    Raises what `ask` raises for a bridge that does not answer.
    """
    told = ask(home) or {}
    argv = [sys.executable, "-m", "persistproc_mcp"]
    stop = (sys.executable, "-m", "persistproc_cli", "serve", "--stop")
    host, port = told.get("host"), told.get("port")
    if isinstance(host, str) and host != _USUAL_HOST:
        argv += ["--host", host]
    if isinstance(port, int) and port != _USUAL_PORT:
        argv += ["--port", str(port)]
    if told.get("token_needed"):
        argv.append("--token")
    return Program("bridge", home.path, tuple(argv), _variables(home), stop)


def usual_home() -> str:
    """The home of who says nothing else, as a service manager knows the user: by the password database."""
    import pwd

    try:
        base = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        base = os.path.expanduser("~")
    return os.path.join(base, ".persistproc")


def _variables(home: Home) -> dict[str, str]:
    # A service manager knows no PATH of a login shell: without this one, npm of a version manager would not be found
    # by what comes back after a restart of the machine.
    variables = {"PATH": os.environ.get("PATH") or os.defpath}
    if home.path != usual_home():
        variables[HOME_VARIABLE] = home.path
    tree = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if tree in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        # Not installed, but run from its source.
        variables["PYTHONPATH"] = tree
    return variables
