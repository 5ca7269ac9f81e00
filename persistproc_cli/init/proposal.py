"""What is proposed for a project's file."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Port", "Proposal"]


class Port(NamedTuple):
    """The port that a process listens on."""

    number: int
    """The usual one of such a program."""
    fixed: bool = False
    """True when the command says this one; else it is told by PORT, or by {port} in the command."""
    expected: bool = True
    """False: it is told, and nobody knows whether it will listen."""


class Proposal(NamedTuple):
    """One process."""

    name: str
    command: str
    source: str
    """The file that says so, from the project's directory."""
    directory: str = "."
    """From the project's directory."""
    port: Port | None = None
    environment: tuple[tuple[str, str], ...] = ()
    env_files: tuple[str, ...] = ()
    needs: tuple[tuple[str, str], ...] = ()
    ready: tuple[tuple[str, str | float | bool], ...] = ()
    stop_grace_seconds: float | None = None
    optional: bool = False
    comment: str = ""
    """Why it is as it is, in one line."""
