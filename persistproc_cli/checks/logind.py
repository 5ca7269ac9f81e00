"""What systemd-logind does to a user's processes at logout: logind.conf(5)."""

from __future__ import annotations

import os

__all__ = ["kills_at_logout", "logind_settings"]

_FOLDERS = ("usr/lib/systemd", "usr/local/lib/systemd", "run/systemd", "etc/systemd")
"""The last one that has a file of some name wins (systemd.syntax(7), configuration directories and precedence)."""
_TRUE = frozenset({"1", "yes", "y", "true", "t", "on"})


def logind_settings(root: str = "/") -> dict[str, str]:
    """All settings of ``[Login]``, from logind.conf and its drop-ins."""
    main = ""
    dropins: dict[str, str] = {}
    for folder in _FOLDERS:
        path = os.path.join(root, folder, "logind.conf")
        main = path if os.path.exists(path) else main
        dropins.update(_dropins(path + ".d"))
    settings: dict[str, str] = {}
    for path in [main, *(dropins[name] for name in sorted(dropins))]:
        settings.update(_parse(_read(path)))
    return settings


def _dropins(folder: str) -> dict[str, str]:
    try:
        return {name: os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".conf")}
    except OSError:
        return {}


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _parse(text: str) -> dict[str, str]:
    settings: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            section = line
        elif section == "[Login]" and line and line[0] not in "#;":
            key, _, value = line.partition("=")
            settings[key.strip()] = value.strip()
    return settings


def kills_at_logout(settings: dict[str, str], user: str) -> bool:
    """True when what a user has started ends with his last session; root is spared unless said otherwise."""
    if settings.get("KillUserProcesses", "no").lower() not in _TRUE:
        return False
    only = settings.get("KillOnlyUsers", "").split()
    spared = settings.get("KillExcludeUsers", "root").split()
    return user not in spared and (not only or user in only)
