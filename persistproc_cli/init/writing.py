"""The text of a project's file, as a person would write it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .proposal import Port, Proposal

__all__ = ["file_text"]

_HEAD = """\
# What this project runs. persistproc up starts it, persistproc down stops it.
# Say what waits for what with needs = ["db"]. To have all of one kind: tags, persistproc up TAG.
"""


def file_text(proposals: Sequence[Proposal]) -> str:
    """The whole file (TOML 1.0)."""
    return "\n".join([_HEAD, *map(_process, proposals)])


def _process(proposal: Proposal) -> str:
    lines = [
        f"# {_one_line(_origin(proposal))}",
        f"[processes.{proposal.name}]",
        f"command = {_value(proposal.command)}",
    ]
    if proposal.directory != ".":
        lines.append(f"working_directory = {_value(proposal.directory)}")
    if proposal.env_files:
        lines.append(f"env_files = {_value(list(proposal.env_files))}")
    if proposal.environment:
        lines.append(f"environment = {_table(proposal.environment)}")
    if proposal.port is not None:
        lines.append(f"port = {_port(proposal.port)}")
    if proposal.needs:
        lines.append(f"needs = {_table(proposal.needs)}")
    if proposal.ready:
        lines.append(f"ready = {_ready(proposal)}")
    if proposal.stop_grace_seconds is not None:
        lines.append(f"stop_grace_seconds = {_value(proposal.stop_grace_seconds)}")
    if proposal.optional:
        lines.append("optional = true")
    return "\n".join(lines) + "\n"


def _origin(proposal: Proposal) -> str:
    return f"{proposal.source}: {proposal.comment}" if proposal.comment else proposal.source


def _port(port: Port) -> str:
    if port.fixed:
        return str(port.number)
    more = () if port.expected else (("optional", True),)
    return _table((("prefer", port.number), *more))


def _ready(proposal: Proposal) -> str:
    return '"completed"' if proposal.ready == (("completed", True),) else _table(proposal.ready)


def _table(pairs: Sequence[tuple[str, str | float | bool]]) -> str:
    return "{ " + ", ".join(f"{_key(key)} = {_value(value)}" for key, value in pairs) + " }"


def _key(key: str) -> str:
    bare = key.replace("_", "").replace("-", "")
    return key if bare.isascii() and bare.isalnum() else json.dumps(key)


def _value(value: str | float | bool | list[str]) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    # A basic string of TOML escapes as JSON does (TOML 1.0, String). And what a terminal obeys instead of showing it is
    # escaped too: the file is shown before it is written, and what is shown must be what is run.
    return "".join(char if char.isprintable() else _escaped(char) for char in json.dumps(value, ensure_ascii=False))


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:160]
