"""What parameters are called elsewhere: models and people write ``cwd`` and mean ``working_directory``."""

from __future__ import annotations

import difflib
from collections.abc import Collection

__all__ = ["meant"]

_ALIASES = {
    "args": ("command",),
    "cmd": ("command",),
    "commandline": ("command",),
    "script": ("command",),
    "cwd": ("working_directory",),
    "dir": ("working_directory",),
    "directory": ("working_directory",),
    "folder": ("working_directory",),
    "path": ("working_directory",),
    "project": ("working_directory",),
    "workdir": ("working_directory",),
    "env": ("environment",),
    "environmentvariables": ("environment",),
    "id": ("process", "name"),
    "label": ("name",),
    "name": ("process",),
    "pid": ("process",),
    "processid": ("process",),
    "processname": ("process", "name"),
    "task": ("process", "name"),
    "timeout": ("timeout_seconds",),
    "timeoutms": ("timeout_seconds",),
    "waitseconds": ("timeout_seconds",),
    "grace": ("grace_seconds",),
    "idle": ("idle_seconds",),
    "ttl": ("ttl_seconds",),
    "lifetime": ("ttl_seconds",),
    "maxage": ("ttl_seconds",),
    "idletimeout": ("idle_timeout_seconds",),
    "count": ("lines",),
    "head": ("lines",),
    "limit": ("lines",),
    "n": ("lines",),
    "tail": ("lines",),
    "offset": ("cursor",),
    "sincecursor": ("cursor", "since"),
    "filter": ("grep",),
    "query": ("grep",),
    "regex": ("grep", "output"),
    "search": ("grep",),
    "contextlines": ("context",),
    "pattern": ("output", "grep"),
    "ready": ("output",),
    "readypattern": ("output",),
    "until": ("output", "idle_seconds"),
    "waitfor": ("output",),
    "all": ("all_projects",),
    "only": ("names",),
    "processes": ("names",),
    "services": ("names",),
    "tags": ("names",),
    "text": ("input",),
    "enter": ("newline",),
    "kill": ("force",),
    "pty": ("tty",),
    "message": ("reason",),
    "why": ("reason",),
}
"""What arguments are called elsewhere, lower case without _ and -; the first that the tool has is meant."""

_LONGEST = 100


def meant(name: str, known: Collection[str]) -> str | None:
    """The one of the known parameters that an unknown name stands for; None when that cannot be told."""
    word = _plain(name[:_LONGEST])
    for one in _ALIASES.get(word, ()):
        if one in known:
            return one
    close = difflib.get_close_matches(word, [_plain(one) for one in known], 1)
    return next((one for one in known if close and _plain(one) == close[0]), None)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
