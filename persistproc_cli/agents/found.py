"""Which agents there are on this machine, and which of them know the bridge."""

from __future__ import annotations

import os

from ..oneline import one_line
from ..output import note, print_document, say
from .broken import BrokenDocument
from .documents import entry_of
from .files import ConfigFile, FileUnusable
from .places import is_there, project_file, user_files
from .served import Served, url_of
from .table import AGENTS
from .telling import short_path, target_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context
    from .agent import Agent

__all__ = ["list_agents"]


class _Entry:
    """Our entry in one file. ``served``: the bridge is where it leads; None for one that starts the relay."""

    def __init__(self, path: str, entry: object, served: Served, *, shared: bool) -> None:
        self.path = path
        self.leads_to = target_of(entry)
        self.shared = shared
        url = url_of(entry)
        self.served = None if url is None else served.is_at(url)

    def document(self) -> dict[str, object]:
        """For ``--json``."""
        return {"file": self.path, "leads_to": self.leads_to, "served": self.served}

    def cells(self) -> list[str]:
        """Its part of a line of the table."""
        flag = " (not served)" if self.served is False else ""
        return [one_line(self.leads_to + flag), one_line(short_path(self.path))]


class _Row:
    """An agent: is it there, where does it lead, and which of its files cannot be read."""

    def __init__(self, agent: Agent, project: str | None, served: Served) -> None:
        self.agent = agent
        self.found = is_there(agent)
        self.configured: list[_Entry] = []
        self.problems: list[str] = []
        shared = project_file(agent, project) if project is not None else None
        users = user_files(agent)
        if shared in users:
            shared = None  # in the home directory the two are one file
        for path in [*users, *([shared] if shared else [])]:
            try:
                entry = entry_of(agent.format, ConfigFile(path).text, agent.keys) if os.path.lexists(path) else None
            except BrokenDocument as error:
                line = f"line {error.line}: " if error.line else ""
                self.problems.append(f"cannot read {path}: {line}{error.reason}")
                continue
            except FileUnusable as error:
                self.problems.append(error.message.replace("; nothing was changed", ""))
                continue
            if entry is not None:
                self.configured.append(_Entry(path, entry, served, shared=path == shared))

    def document(self) -> dict[str, object]:
        """For ``--json``."""
        return {
            "agent": self.agent.name,
            "title": self.agent.title,
            "found": self.found,
            "configured": [entry.document() for entry in self.configured],
            "problems": self.problems,
        }

    def cells(self) -> list[list[str]]:
        """Its lines in the table."""
        lines = [entry.cells() for entry in self.configured] or [["-", ""]]
        first = [self.agent.name, "yes" if self.found else "no"]
        return [[*(["", ""] if number else first), *line] for number, line in enumerate(lines)]


def list_agents(context: Context, project: str | None) -> int:
    """Print the list, with the files of the project if there is one; returns the exit code."""
    served = Served.now(context)
    rows = [_Row(agent, project, served) for agent in AGENTS.values()]
    if context.json:
        print_document({"agents": [row.document() for row in rows], "url": served.url})
        return 0
    from ..render import table

    say(table(["AGENT", "FOUND", "CONFIGURED", "FILE"], [cells for row in rows for cells in row.cells()]))
    for text in [problem for row in rows for problem in row.problems]:
        note(text)
    for text in _unserved(rows, served):
        note(text)
    if project is None:
        note("the current directory has been deleted; files of a project are not listed")
    return 0


def _unserved(rows: list[_Row], served: Served) -> list[str]:
    """Why agents do not reach the bridge, and what to run."""
    lost = {
        option: [row.agent.name for row in rows if any(_is_lost(entry, shared=shared) for entry in row.configured)]
        for option, shared in (("", False), (" --project", True))
    }
    if not any(lost.values()):
        return []
    if served.url is None:
        return [f"not served: {served.problem}"]
    return [
        f"the bridge serves {served.url} now; run: persistproc agent install {' '.join(names)}{option}"
        for option, names in lost.items()
        if names
    ]


def _is_lost(entry: _Entry, *, shared: bool) -> bool:
    return entry.served is False and entry.shared == shared
