"""The way to the bridge: its socket, and starting it where nobody listens."""

from __future__ import annotations

import sys
from _thread import allocate_lock

from persistproc_core.errors import DaemonUnavailable, PersistprocError, error_from_wire

from .http import Exchange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from persistproc_core.paths import Home

__all__ = ["Bridge"]

_NOBODY = (FileNotFoundError, ConnectionRefusedError)
"""What connect(2) says when there is no bridge: no socket, or one that a dead bridge left behind (unix(7))."""

_TRIES = 3
_START_SECONDS = 60.0


class Bridge:
    """The bridge of a home. Any number of threads may use it; one at a time starts a new one."""

    def __init__(self, home: Home, options: Sequence[str]) -> None:
        """``options`` are what a bridge is started with."""
        self._home = home
        self._options = options
        self._starting = allocate_lock()

    def connect(self) -> Exchange:
        """A connection to it. Raises `PersistprocError` when there is none and none could be started."""
        self._home.check()
        for _ in range(_TRIES):
            try:
                return self._try()
            except _NOBODY:
                pass
            with self._starting:
                try:
                    # Another thread may have started it while we waited for our turn.
                    return self._try()
                except _NOBODY:
                    self._start()
        raise DaemonUnavailable("the bridge starts but ends at once", hint=f"see {self._home.bridge_log}")

    def _try(self) -> Exchange:
        try:
            return Exchange(self._home.bridge_socket)
        except _NOBODY:
            raise
        except OSError as error:
            raise DaemonUnavailable(f"cannot connect to {self._home.bridge_socket}: {error.strerror}") from None

    def _start(self) -> None:
        import subprocess  # late: beside a running bridge nobody needs it, and it takes long to load

        command = [sys.executable, "-m", "persistproc_mcp", "--home", self._home.path, "--detach", "--json"]
        try:
            # Not where we are: a file of the project called json.py would be imported instead of the module.
            done = subprocess.run(
                [*command, *self._options],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=_START_SECONDS,
                start_new_session=True,
            )
        except (OSError, subprocess.SubprocessError) as problem:
            raise DaemonUnavailable(f"cannot start the bridge: {problem}", hint="run: persistproc serve") from None
        if done.returncode:
            raise _told(done.stderr)


def _told(said: bytes) -> PersistprocError:
    """The error in the last line that a bridge said."""
    import json

    try:
        document = json.loads(said.splitlines()[-1])["error"]
        data = {"error": document["code"], "hint": document["hint"]}
        return error_from_wire({"message": document["message"], "data": data})
    except (ValueError, LookupError, TypeError):
        return DaemonUnavailable("the bridge could not be started", hint="to see why, run: persistproc serve")
