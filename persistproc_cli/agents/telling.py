"""What the verb ``agent`` says of what was done, or would be."""

from __future__ import annotations

import os

from ..oneline import one_line
from ..output import note, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .connection import Connection
    from .install import Outcome

__all__ = ["hidden", "short_path", "show", "target_of", "tell"]

_DONE = {
    "added": "added {target} to {file}",
    "updated": "changed {file}: persistproc is now {target}",
    "same": "already configured in {file}: {target}",
    "removed": "removed persistproc from {file}",
    "absent": "there is no persistproc in {file}",
}


def short_path(path: str) -> str:
    """The path with ``~`` for the home directory."""
    home = os.path.expanduser("~")
    return "~" + path[len(home) :] if path.startswith(home + os.sep) else path


def target_of(entry: object) -> str:
    """Where an entry leads: its URL, or its command line."""
    if not isinstance(entry, dict):
        return "something that is not an entry"
    for key in ("url", "httpUrl", "serverUrl", "uri"):
        if isinstance(entry.get(key), str):
            return str(entry[key])
    words: list[object] = []
    for key in ("command", "cmd", "args"):
        value = entry.get(key)
        words += value if isinstance(value, list) else [value] if value is not None else []
    return " ".join(map(str, words)) or "an entry without URL and command"


def tell(outcome: Outcome) -> None:
    """Say what was done."""
    text = _DONE[outcome.action].format(target=target_of(outcome.entry), file=short_path(outcome.path))
    by = f" (by {' '.join(outcome.command[:3])})" if outcome.command else ""
    say(one_line(f"{outcome.agent.title}: {text}{by}"))
    if outcome.backup:
        say(one_line(f"  a copy of what was there: {short_path(outcome.backup)}"))
    if outcome.agent.after and outcome.action in ("added", "updated"):
        say(f"  {outcome.agent.after}")
    for text in outcome.notes:
        note(text)


def show(outcome: Outcome, before: str) -> None:
    """Say exactly what would be run or written."""
    title, path = outcome.agent.title, outcome.path
    if outcome.action in ("same", "absent"):
        say(one_line(f"# {title}: {_DONE[outcome.action].format(target=target_of(outcome.entry), file=path)}"))
        return
    if outcome.command:
        import shlex

        say(one_line(f"# {title}: would run this, which writes to {path}"))
        say(one_line(shlex.join(outcome.command)))
        return
    if outcome.text is None:
        say(one_line(f"# {title}: would delete {path}, which holds nothing else"))
        return
    if not before:
        say(one_line(f"# {title}: would write {path}"))
        say(outcome.text.rstrip("\n"))
        return
    import difflib

    say(one_line(f"# {title}: would change {path}"))
    lines = difflib.unified_diff(before.splitlines(), outcome.text.splitlines(), path, path, lineterm="", n=1)
    for line in lines:
        say(one_line(line))


def hidden(value: object, connection: Connection | None) -> object:
    """The value without the token: what was done is told to whoever reads along, an agent for one."""
    if isinstance(value, dict):
        return {key: hidden(item, connection) for key, item in value.items()}
    if isinstance(value, str) and connection is not None and connection.token:
        return value.replace(connection.token, "...")
    return value
