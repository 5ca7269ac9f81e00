"""The environment of a child: what the caller asked for, what we add, and how two of them differ.

Values stay in memory. What leaves this module towards a client or the disk is names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from ..errors import InvalidParams
from ..protocol import Difference
from .kernel.process_table import MARKER

__all__ = ["build", "check", "difference", "of_the_hub", "without_added"]

_UNBUFFERED = {"PYTHONUNBUFFERED": "1"}
_COLOURS = {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}
_TERMINAL = {"TERM": "xterm-256color"}
_COLOUR_WISHES = frozenset({"NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"})

# These differ between any two terminals and say nothing about the program.
_INCIDENTAL = frozenset(
    "_ COLUMNS GPG_TTY LINES OLDPWD PWD SHLVL SSH_AGENT_PID SSH_AUTH_SOCK SSH_CLIENT SSH_CONNECTION SSH_TTY STY "
    "TERM_SESSION_ID TMUX TMUX_PANE VTE_VERSION WINDOW WINDOWID XDG_SESSION_ID".split()
)


def check(environment: Mapping[str, str]) -> None:
    """Raise `InvalidParams` for a name that execve(2) could not carry as a variable."""
    for name in environment:
        if not name or "=" in name:
            raise InvalidParams(f"{name!r} cannot be the name of an environment variable")


def of_the_hub() -> dict[str, str]:
    """The daemon's own environment, for callers that have none to give."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PERSISTPROC_")}


def build(
    asked: Mapping[str, str], run_id: str, working_directory: str, *, tty: bool = False
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The environment for exec, and the names that we added to what was asked for."""
    added = _for_terminal(asked) if tty else _for_pipes(asked)
    added[MARKER] = run_id
    environment = {**asked, **added}
    if tty:
        # The size of the caller's terminal; who finds it here does not ask for that of its own.
        for name in ("COLUMNS", "LINES"):
            environment.pop(name, None)
    if "PWD" in environment:
        # A shell would have set it on its way to that directory (POSIX, cd).
        environment["PWD"] = working_directory
    return environment, tuple(sorted(added))


def _for_pipes(asked: Mapping[str, str]) -> dict[str, str]:
    added = {name: value for name, value in _UNBUFFERED.items() if name not in asked}
    if not _COLOUR_WISHES & asked.keys() and asked.get("TERM") != "dumb":
        added.update(_COLOURS)
    return added


def _for_terminal(asked: Mapping[str, str]) -> dict[str, str]:
    # It is a terminal, so programs flush lines and use colours by themselves.
    return dict(_TERMINAL) if asked.get("TERM", "dumb") in ("", "dumb") else {}


def without_added(environment: Mapping[str, str], added: tuple[str, ...]) -> dict[str, str]:
    """What was asked for, from the environment that the kernel still knows."""
    return {name: value for name, value in environment.items() if name not in added}


def difference(asked: Mapping[str, str], running: Mapping[str, str]) -> list[Difference]:
    """The names of variables that differ, and PORT once more by itself; an empty list when nothing does."""
    added = _names(asked.keys() - running.keys())
    removed = _names(running.keys() - asked.keys())
    changed = _names(name for name in asked.keys() & running.keys() if asked[name] != running[name])
    found: list[Difference] = []
    if added or removed or changed:
        found.append({"what": "environment", "added": added, "removed": removed, "changed": changed})
    if asked.get("PORT", "") != running.get("PORT", ""):
        # A port number is no secret, and the one difference that explains why the page does not load.
        found.append({"what": "port", "asked": asked.get("PORT", ""), "running": running.get("PORT", "")})
    return found


def _names(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name not in _INCIDENTAL and name != MARKER)
