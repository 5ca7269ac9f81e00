"""What a caller may ask of a process besides its command: how a run is started, and what is done with it by itself."""

from __future__ import annotations

from typing import NamedTuple

from ..protocol import Liveness, PortWish, ReadyWhen, RestartPolicy

__all__ = ["Options", "Settings"]


class Options(NamedTuple):
    """What is done with a process by itself."""

    restart: RestartPolicy = "never"
    autostart: bool = False
    ttl_seconds: float | None = None
    idle_timeout_seconds: float | None = None


class Settings(NamedTuple):
    """What a run was started with, besides command, directory and environment."""

    umask: int | None = None
    limits: tuple[tuple[str, int, int], ...] = ()
    ignored_signals: tuple[int, ...] = ()
    tty: bool = False
    rows: int = 24
    columns: int = 80
    keep_bytes: int | None = None
    """Of each stream; None: as configured."""
    keep_runs: int | None = None
    shell: bool = False
    """True: in the login shell."""
    ports: tuple[PortWish, ...] = ()
    """As they were asked for."""
    assigned_ports: tuple[tuple[str, int], ...] = ()
    """What came of that, by name."""
    ready: ReadyWhen | None = None
    """With its ports in it; so are liveness and the command."""
    liveness: Liveness | None = None
    watch: tuple[str, ...] = ()
    watch_signal: str | None = None
    stop_signal: str | None = None
    stop_grace_seconds: float | None = None
    tags: tuple[str, ...] = ()
    asked: tuple[str, ...] | None = None
    """The argument list before its ports were in it; None: it has none."""
    defined: bool = False
    """True when it comes from the project's file."""
    variables: tuple[str, ...] = ()
    """Names of the variables that the file set."""
