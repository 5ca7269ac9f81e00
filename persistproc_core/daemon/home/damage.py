"""What is missing in a home, found out by looking. Nothing here changes anything; all of it blocks for microseconds."""

from __future__ import annotations

import os

from ...paths import Home

__all__ = ["concerns", "keeper_is_hidden", "lacks_record", "watched_folders"]

_OF_HOME = frozenset({"sock", "lock", "runs", "keeper", "daemon.log", "events.jsonl", "marks.json", "leases.json"})
_OF_KEEPER = frozenset({"sock", "lock", "holder"})


def watched_folders(home: Home) -> list[str]:
    """The folders in which something may go away that the daemon or the keeper needs."""
    folders = [home.path, home.runs, home.keeper]
    folders += [os.path.dirname(path) for path in (home.socket, home.keeper_socket, home.holder_socket)]
    return list(dict.fromkeys(folders))


def concerns(home: Home, folder: str, name: str) -> bool:
    """Whether it matters that the file of that name went. About the folders of runs others know more."""
    if folder == home.path:
        return name in _OF_HOME
    if folder == home.keeper:
        return name in _OF_KEEPER
    return os.path.join(folder, name) in (home.socket, home.keeper_socket, home.holder_socket)


def keeper_is_hidden(home: Home) -> bool:
    """Whether the next daemon, or the next keeper, would not find the keeper that lives."""
    paths = (home.keeper_socket, home.holder_socket, os.path.join(home.keeper, "lock"))
    return not all(os.path.lexists(path) for path in paths)


def lacks_record(directory: str) -> bool:
    """Whether a run's folder is gone, or has no record."""
    return not os.path.lexists(os.path.join(directory, "record.json"))
