"""What the verb ``agent`` says of what was done, or would be."""

from __future__ import annotations

import os

from ..oneline import one_line
from ..output import note, say
from .served import url_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .connection import Connection
    from .install import Outcome
    from .masking import Mask

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
    url = url_of(entry)
    if url is not None:
        return url
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


def show(outcome: Outcome, before: str, mask: Mask, token_file: str) -> None:
    """Say exactly what would be run or written, with names in place of tokens."""
    text = mask.text(_shown(outcome, before))
    say(text)
    for line in mask.legend(text, token_file, outcome.path):
        say(one_line(f"# {line}"))


def _shown(outcome: Outcome, before: str) -> str:
    title, path = outcome.agent.title, outcome.path
    if outcome.action in ("same", "absent"):
        return one_line(f"# {title}: {_DONE[outcome.action].format(target=target_of(outcome.entry), file=path)}")
    if outcome.command:
        import shlex

        head = one_line(f"# {title}: would run this, which writes to {path}")
        return f"{head}\n{one_line(shlex.join(outcome.command))}"
    if outcome.text is None:
        return one_line(f"# {title}: would delete {path}, which holds nothing else")
    if not before:
        head = one_line(f"# {title}: would write {path}")
        return head + "\n" + outcome.text.rstrip("\n")
    import difflib

    # Of the tokens themselves: with their names instead, a new token would be no difference.
    head = f"# {title}: would change {path}"
    lines = difflib.unified_diff(before.splitlines(), outcome.text.splitlines(), path, path, lineterm="", n=1)
    return "\n".join(one_line(line) for line in (head, *lines))


def hidden(value: object, connection: Connection | None) -> object:
    """The value without the token: what was done is told to whoever reads along, an agent for one."""
    if isinstance(value, dict):
        return {key: hidden(item, connection) for key, item in value.items()}
    if isinstance(value, str) and connection is not None and connection.token:
        return value.replace(connection.token, "...")
    return value
