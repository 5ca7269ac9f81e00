"""A Procfile, as foreman and honcho run it: lines of ``NAME: COMMAND``, with the variables of the .env beside it.

Each process is told a port of its own in PORT: 5000, 5100, 5200 and so on where these are free, counted from the PORT
of .env when there is one. Only what is called web, or names $PORT, is expected to listen on it.
"""

from __future__ import annotations

import os
import re
import unicodedata

from ..process_names import problem_of_name
from ..protocol import PortWish
from .env_file import EnvFileError, read_env_file
from .model import Entry, EnvFile
from .placeholders_meant import unknown_placeholders
from .problems import MAX_PROCESSES, Problems

__all__ = ["read_procfile"]

_LINE = re.compile(r"([^\s:#]+):\s*(.+)")
_NAMES_PORT = re.compile(r"\$PORT\b|\$\{PORT\b")
_FIRST_PORT = 5000
_STEP = 100


def read_procfile(text: str, directory: str, problems: Problems) -> dict[str, Entry]:
    """Its processes. What is wrong is noted."""
    env_file = EnvFile(os.path.join(directory, ".env"), None, required=False)
    first = _first_port(env_file.path)
    entries: dict[str, Entry] = {}
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if "\0" in line:
            problems.add("has a NUL character", number)
            continue
        if match is None:
            problems.add("is not NAME: COMMAND", number, "for example web: npm run dev")
            continue
        if len(entries) == MAX_PROCESSES:
            problems.add(f"there are more than {MAX_PROCESSES} processes", number)
            break
        name = unicodedata.normalize("NFC", match[1])
        if problem := problem_of_name(name):
            problems.add(f"{name[:60]} cannot be the name of a process: {problem}", number)
        elif name in entries:
            problems.add(f"{name} is there twice", number, f"the first one is in line {entries[name].line}")
        else:
            port = first + _STEP * len(entries)
            entries[name] = Entry(
                name=name,
                line=number,
                command=match[2],
                working_directory=directory,
                env_files=(env_file,),
                environment={},
                needs={},
                optional=False,
                definition={"ports": [_wish(name, match[2], port)]},
                file=problems.file,
                lines={},
            )
    for name, _, error in unknown_placeholders(entries):
        problems.add(f"{name} has {error.placeholder}, but {error.text}", entries[name].line, error.hint)
    if not entries:
        problems.add("there is no process in it", hint="write NAME: COMMAND, for example web: npm run dev")
    return entries


def _wish(name: str, command: str, port: int) -> PortWish:
    wish: PortWish = {"prefer": port} if port <= 65535 else {}
    if name != "web" and not _NAMES_PORT.search(command):
        wish["optional"] = True
    return wish


def _first_port(path: str) -> int:
    try:
        text = read_env_file(path, {}, only_regular=True).get("PORT", "")
    except EnvFileError:
        return _FIRST_PORT  # whoever needs its variables is told
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:6]) <= 65535 else _FIRST_PORT
