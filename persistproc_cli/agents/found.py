"""Which agents there are on this machine, and which of them know the bridge."""

from __future__ import annotations

import os

from ..oneline import one_line
from ..output import note, print_document, say
from .files import ConfigFile, FileUnusable
from .install import look
from .places import is_there, project_file, user_files
from .table import AGENTS
from .telling import short_path, target_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context
    from .agent import Agent

__all__ = ["list_agents"]


class _Row:
    """An agent: is it there, where does it lead, and which of its files cannot be read."""

    def __init__(self, agent: Agent, project: str) -> None:
        self.agent = agent
        self.found = is_there(agent)
        self.configured: list[tuple[str, str]] = []
        self.problems: list[str] = []
        shared = project_file(agent, project)
        for path in [*user_files(agent), *([shared] if shared else [])]:
            try:
                entry = look(agent, ConfigFile(path)) if os.path.lexists(path) else None
            except FileUnusable as error:
                self.problems.append(error.message.replace("; nothing was changed", ""))
                continue
            if entry is not None:
                self.configured.append((path, target_of(entry)))

    def document(self) -> dict[str, object]:
        """For ``--json``."""
        return {
            "agent": self.agent.name,
            "title": self.agent.title,
            "found": self.found,
            "configured": [{"file": path, "leads_to": target} for path, target in self.configured],
            "problems": self.problems,
        }

    def cells(self) -> list[list[str]]:
        """Its lines in the table."""
        lines = [[one_line(target), one_line(short_path(path))] for path, target in self.configured] or [["-", ""]]
        first = [self.agent.name, "yes" if self.found else "no"]
        return [[*(["", ""] if number else first), *line] for number, line in enumerate(lines)]


def list_agents(context: Context, project: str) -> int:
    """Print the list; returns the exit code."""
    rows = [_Row(agent, project) for agent in AGENTS.values()]
    if context.json:
        print_document({"agents": [row.document() for row in rows]})
        return 0
    from ..render import table

    say(table(["AGENT", "FOUND", "CONFIGURED", "FILE"], [cells for row in rows for cells in row.cells()]))
    for row in rows:
        for problem in row.problems:
            note(problem)
    return 0
