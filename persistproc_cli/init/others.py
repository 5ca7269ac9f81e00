"""Files that name commands: a Procfile, a Makefile."""

from __future__ import annotations

import os
import re

from .folders import read_text
from .proposal import Port, Proposal

__all__ = ["find_makefile", "find_procfile"]

# That of development first: the other one is what a server in production runs.
_PROCFILES = ("Procfile.dev", "Procfile")
_LINE = re.compile(r"([^\s:#]+):\s*(\S.*)")
_NAMES_PORT = re.compile(r"\$(?:PORT\b|\{PORT\b)")
_FIRST_PORT, _STEP = 5000, 100
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_TARGETS = ("dev", "serve", "server", "run", "start", "watch")


def find_procfile(directory: str) -> list[Proposal]:
    """Its processes. Each is told a port, as foreman does; what is called web, or names $PORT, is to listen on it."""
    for name in _PROCFILES:
        text = read_text(directory, name)
        lines = [_LINE.fullmatch(line.strip()) for line in (text or "").splitlines() if line.strip()[:1] != "#"]
        found = [line for line in lines if line is not None]
        if found:
            env_files = (".env",) if os.path.isfile(os.path.join(directory, ".env")) else ()
            return [
                Proposal(
                    line[1],
                    line[2],
                    name,
                    env_files=env_files,
                    port=Port(
                        _FIRST_PORT + _STEP * index, expected=line[1] == "web" or bool(_NAMES_PORT.search(line[2]))
                    ),
                )
                for index, line in enumerate(found)
            ]
    return []


def find_makefile(directory: str) -> list[Proposal]:
    """The target that starts the project; one, for the others are mostly made of it."""
    for name in _MAKEFILES:
        text = read_text(directory, name)
        if text is not None:
            targets = set(re.findall(r"^([A-Za-z][\w-]*)\s*:(?!=)", text, re.MULTILINE))
            chosen = next((target for target in _TARGETS if target in targets), None)
            if chosen is not None:
                return [Proposal(os.path.basename(directory) or "app", f"make {chosen}", name)]
    return []
