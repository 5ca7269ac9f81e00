"""What people read who start a bridge."""

from __future__ import annotations

import os
import shlex

from persistproc_core import __version__
from persistproc_core.client.sync import Client
from persistproc_core.errors import PersistprocError
from persistproc_core.paths import Home

from ..settings import MCP_PATH, About
from .wanted import Outcome

__all__ = ["farewell", "greeting"]

_ASKING_SECONDS = 0.5
_MOST_NAMES = 12
_INDENT = " " * 21


def greeting(outcome: Outcome, detached: bool) -> str:
    """Where it serves, and how agents are connected."""
    told = outcome.about
    lines = [_where(outcome)]
    if told["version"] != __version__:
        lines.append(
            f"It is version {told['version']}, this is {__version__}: persistproc serve --stop, then serve again"
        )
    lines += ["", "Connect an agent (once):", *_agents(told)]
    if not outcome.already:
        how = "persistproc serve --stop" if detached else "Ctrl-C"
        lines += ["", f"{how} ends the bridge; the daemon and all processes go on."]
    return "\n".join(lines)


def _where(outcome: Outcome) -> str:
    told = outcome.about
    place = f"{told['url']}{MCP_PATH}" if told["url"] else f"the socket {Home(told['home']).bridge_socket}"
    daemon = f", daemon pid {told['daemon']['pid']}" if told["daemon"] else ""
    if outcome.already:
        return f"All is well: {place} is served already (pid {told['pid']}{daemon})"
    return f"Serving {place} (pid {told['pid']}{daemon})"


def _agents(told: About) -> list[str]:
    home = _home_option(told)
    if told["url"] is None:
        return [f"  any agent        persistproc mcp{home}   (the command of a server that speaks MCP over stdio)"]
    url = f"{told['url']}{MCP_PATH}"
    header = _header(told)
    claude = [f"{_INDENT}{url}"] + ([f'{_INDENT}--header "{header}"'] if header else [])
    carries = f"   with the header {header}" if header else ""
    return [
        # In 80 columns the URL would be broken in two, and copied so.
        " \\\n".join(["  Claude Code      claude mcp add --transport http --scope user persistproc", *claude]),
        f"  Cursor           persistproc agent install cursor{home}",
        f"  other agents     persistproc agent list{home}   (tells their names)",
        f"  by hand          URL {url}{carries}",
        f"  stdio only       persistproc mcp{home}",
    ]


def _home_option(told: About) -> str:
    # An agent does not have our environment: what it starts would look in the usual place.
    usual = os.path.expanduser("~/.persistproc")
    return "" if told["home"] == usual else f" --home {shlex.quote(told['home'])}"


def _header(told: About) -> str:
    # The token itself is not printed: terminals, and what is copied out of them, are kept for long.
    if not told["token_needed"]:
        return ""
    return f"Authorization: Bearer $(cat {Home(told['home']).token})"


def farewell(home: Home) -> str:
    """What goes on when the bridge has ended in front of somebody."""
    try:
        with Client(home=home.path, autostart=False, timeout=_ASKING_SECONDS, name="persistproc-bridge") as client:
            pid = client.hello["pid"]
            running = client.list_processes(all_projects=True, running=True)["processes"]
    except PersistprocError:
        return "The bridge has ended."
    names = [f"{os.path.basename(one['project_directory'])}/{one['name']}" for one in running]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    told = f"{len(names)} running: {', '.join(names[:_MOST_NAMES])}{more}" if names else "no process runs"
    return f"The bridge has ended; the daemon (pid {pid}) goes on, {told}."
