"""Where on this machine an agent keeps its files."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .agent import Agent

__all__ = ["expand", "is_there", "project_file", "user_files"]


def expand(template: str) -> str:
    """The path that a template means: ``{VARIABLE:default}`` and ``{application}``, where desktop programs keep things.

    That is ``~/Library/Application Support`` on macOS, and the XDG base directory ``~/.config`` elsewhere.
    """
    if "{application}" in template:
        mac = sys.platform == "darwin"
        folder = "~/Library/Application Support" if mac else "{XDG_CONFIG_HOME:~/.config}"
        return expand(template.replace("{application}", folder))
    head, brace, rest = template.partition("{")
    if brace:
        name, _, tail = rest.partition("}")
        variable, _, default = name.partition(":")
        template = head + (os.environ.get(variable) or default) + tail
    return os.path.expanduser(template)


def user_files(agent: Agent) -> list[str]:
    """The configuration files of this user: of each place where the agent is found, else of the first."""
    places = [_chosen([expand(name) for name in names]) for names in agent.files]
    return [path for path in places if _is_used(path)] or places[:1]


def project_file(agent: Agent, project: str) -> str | None:
    """The configuration file in a project; None when the agent has none there."""
    return _chosen([os.path.join(project, name) for name in agent.project]) if agent.project else None


def is_there(agent: Agent) -> bool:
    """True when the agent is installed, as far as its programs and folders tell."""
    from .program import find_program

    return any(find_program(program) for program in agent.programs) or any(
        os.path.isdir(expand(mark)) for mark in agent.marks
    )


def _chosen(names: list[str]) -> str:
    """The first of the possible names that is there, else the last, which is the usual one."""
    return next((name for name in names if os.path.lexists(name)), names[-1])


def _is_used(path: str) -> bool:
    return os.path.lexists(path) or os.path.isdir(os.path.dirname(path))
