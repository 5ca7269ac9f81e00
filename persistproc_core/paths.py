"""Where persistproc keeps its things: the home, its socket and locks, and who may use them.

Everything lives under one folder, ``~/.persistproc`` unless ``PERSISTPROC_HOME`` or ``--home`` says otherwise::

    ~/.persistproc/        0700, ours, no symlink
        sock               the daemon's socket, 0600 from birth
        lock               held (flock) by the daemon for life, never unlinked
        start.lock         held by the client that is starting the daemon, never unlinked
        daemon.log         structured lines, bounded
        config.toml        yours: how much output is kept
        events.jsonl       what happened to processes, bounded
        marks.json         the marks that were set
        approved.json      what people have allowed projects' files to run
        leases.json        the ports that are kept for processes
        mcp.sock           the bridge's socket, 0600 from birth
        bridge.lock        held (flock) by the bridge for life, never unlinked
        bridge.log         structured lines, bounded
        token              what callers of the bridge's port must know, where that is asked for (0600)
        keeper/            lock, sock and log of the keeper
        runs/<run id>/     record.json, the FIFOs, the log segments, the marks and the exit record of one run
"""

from __future__ import annotations

import os
import stat
import sys

from .errors import UnsafeHome

__all__ = ["HOME_VARIABLE", "MAX_SOCKET_PATH", "Home", "resolve_home"]

HOME_VARIABLE = "PERSISTPROC_HOME"

MAX_SOCKET_PATH = 107 if sys.platform == "linux" else 103
"""Bytes that fit into ``sockaddr_un.sun_path`` beside its terminating NUL (unix(7); 104 on macOS and BSD)."""


class Home:
    """The paths of one persistproc home. Making one touches nothing on disk; see `ensure`."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Home({self.path!r})"

    def _in(self, *parts: str) -> str:
        return os.path.join(self.path, *parts)

    @property
    def socket(self) -> str:
        """The daemon's socket: ``<home>/sock``, or a short path of this user when that is too long to bind."""
        return self._short(self._in("sock"))

    @property
    def lock(self) -> str:
        """The file whose flock says that a daemon lives."""
        return self._in("lock")

    @property
    def start_lock(self) -> str:
        """The file whose flock serialises clients that start the daemon."""
        return self._in("start.lock")

    @property
    def log(self) -> str:
        """The daemon's own log."""
        return self._in("daemon.log")

    @property
    def config(self) -> str:
        """The configuration."""
        return self._in("config.toml")

    @property
    def events(self) -> str:
        """The journal of what happened to processes."""
        return self._in("events.jsonl")

    @property
    def marks(self) -> str:
        """The marks that people and agents set."""
        return self._in("marks.json")

    @property
    def leases(self) -> str:
        """The ports that are kept for processes."""
        return self._in("leases.json")

    @property
    def approved(self) -> str:
        """What people have allowed projects' files to run."""
        return self._in("approved.json")

    @property
    def bridge_socket(self) -> str:
        """The bridge's socket: MCP and HTTP without a port."""
        return self._short(self._in("mcp.sock"))

    @property
    def bridge_lock(self) -> str:
        """The file whose flock says that a bridge lives."""
        return self._in("bridge.lock")

    @property
    def bridge_log(self) -> str:
        """The bridge's own log."""
        return self._in("bridge.log")

    @property
    def token(self) -> str:
        """The token that callers of the bridge's port must know, where that is asked for."""
        return self._in("token")

    @property
    def runs(self) -> str:
        """The folder that holds one folder per run."""
        return self._in("runs")

    @property
    def keeper(self) -> str:
        """The keeper's folder."""
        return self._in("keeper")

    @property
    def keeper_socket(self) -> str:
        """The keeper's socket."""
        return self._short(self._in("keeper", "sock"))

    @property
    def holder_socket(self) -> str:
        """The socket of the keeper's holder."""
        return self._short(self._in("keeper", "holder"))

    def _short(self, path: str) -> str:
        if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
            return path
        # A longer path cannot be bound (unix(7)). The stand-in depends on the user and the home alone: with TMPDIR
        # or XDG_RUNTIME_DIR in it, two callers of one home would look for its daemon in two places.
        import hashlib

        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return f"/tmp/persistproc-{os.getuid()}/{digest}"

    def ensure(self) -> None:
        """Create the folders (0700) and check that they are safe.

        Raises `UnsafeHome` when a folder is a symlink, belongs to somebody else, or others may write to it, and when
        it cannot be created; nothing is written then.
        """
        _ensure_private(self.path, parents=True)
        _ensure_private(self.runs)
        _ensure_private(self.keeper)
        for path in (self.socket, self.keeper_socket, self.holder_socket, self.bridge_socket):
            if not path.startswith(self.path + os.sep):
                _ensure_private(os.path.dirname(path))

    def check(self) -> None:
        """Raise `UnsafeHome` when the home exists and is unsafe; say nothing when it does not exist."""
        if _may_be_there(self.path):
            _check_private(self.path)
        stand_in = os.path.dirname(self.socket)
        # Under /tmp anybody may have made it first, and a client would talk to the socket that he put there.
        if stand_in != self.path and os.path.lexists(stand_in):
            _check_private(stand_in)


def resolve_home(path: str | None = None) -> Home:
    """The home to use: ``path``, else ``$PERSISTPROC_HOME``, else ``~/.persistproc``.

    Raises `UnsafeHome` when no home directory can be told (HOME is empty, or unset and the password database has none).
    """
    chosen = path or os.environ.get(HOME_VARIABLE) or ""
    if not chosen:
        base = os.path.expanduser("~")
        # Empty, it would lead to the root of the file system.
        if not os.path.isabs(base) or os.environ.get("HOME") == "":
            raise UnsafeHome(
                "cannot tell your home directory", hint=f"set HOME, or {HOME_VARIABLE} to a folder of yours"
            )
        chosen = os.path.join(base, ".persistproc")
    return Home(os.path.abspath(os.path.expanduser(chosen)))


def _ensure_private(path: str, *, parents: bool = False) -> None:
    try:
        if parents:
            os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise UnsafeHome(
            f"cannot create {path}: {error.strerror}", hint=f"set {HOME_VARIABLE} to a folder that you can write to"
        ) from None
    _check_private(path)


def _may_be_there(path: str) -> bool:
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # below something that is no folder (HOME=/dev/null), or that we may not enter: it cannot be used
    return True


def _check_private(path: str) -> None:
    try:
        status = os.lstat(path)
    except OSError as error:
        hint = f"check the folder and its parents, or set {HOME_VARIABLE} to a folder of yours"
        raise UnsafeHome(f"cannot use {path}: {error.strerror}", hint=hint) from None
    if not stat.S_ISDIR(status.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "not a folder"
        raise UnsafeHome(f"{path} is {kind}", hint=f"move it away, or set {HOME_VARIABLE} to a real folder of yours")
    if status.st_uid != os.getuid():
        raise UnsafeHome(
            f"{path} belongs to user {status.st_uid}, not to you ({os.getuid()})",
            hint=f"set {HOME_VARIABLE} to a folder of yours (sudo keeps the HOME of the first user)",
        )
    if status.st_mode & 0o022:
        raise UnsafeHome(f"other users may write to {path}", hint=f"run: chmod 700 {path}")
