"""Who holds the port that a process could not have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import cast

from persistproc_core.protocol import ListProcessesParams

from .calling import common, directory
from .text.processes import address, started
from .tool import Call

__all__ = ["port_trouble"]

# EADDRINUSE as libuv, Python, Go, Java, nginx and the frameworks on them write it.
_IN_USE = re.compile(
    r"(?i)EADDRINUSE|address already in use|address in use|port \d+ (?:is|was) (?:already )?(?:in use|taken|used)"
)
_NUMBER = re.compile(r"\b\d{2,5}\b")
_PORT = re.compile(r"(?i)\bport\W{0,4}(\d{2,5})\b")
_ADDRESS = re.compile(r"[:,] ?(\d{2,5})\b")
# A time of day in front of a line, and the number of the error, look like the end of an address.
_NO_ADDRESS = re.compile(
    r"(?<![\d.:\]])\d{1,2}:[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?!\d)|\b(?:errno|os error|code)\W{0,3}\d+", re.IGNORECASE
)


async def port_trouble(call: Call, lines: Sequence[str], info: Mapping[str, object]) -> str:
    """A sentence about the holder when the lines say that a port is in use; else nothing.

    ``info`` is of the process that printed them: a port that is not named there may stand in its command.
    """
    if not any(_IN_USE.search(line) for line in lines):
        return ""
    port = _named_port(lines)
    numbers = {port} if port is not None else {int(number) for number in _NUMBER.findall(str(info.get("command")))}
    params = {**common(call), "all_projects": True, "running": True}
    listed = await call.hub.client.list_processes(**cast("ListProcessesParams", params))
    for other in listed["processes"]:
        held = next((each["port"] for each in other["ports"] if each["port"] in numbers), None)
        if held is not None and other["run_id"] != info.get("run_id"):
            name = address(other, directory(call))
            by = started(other, call.caller)
            return f"Port {held} is held by {name} (pid {other['pid']}, {by}): use that one, or stop it first."
    return f"Port {port} is held by a program that persistproc did not start." if port is not None else ""


def _named_port(lines: Sequence[str]) -> int | None:
    for index, line in enumerate(lines):
        if _IN_USE.search(line):
            found = _PORT.search(line) or _last_address(line)
            # Node tells it some lines below, among lines of code that have numbers as well.
            below = (_PORT.search(each) for each in lines[index + 1 : index + 12])
            found = found or next((each for each in below if each), None)
            if found is not None:
                return int(found[1])
    return None


def _last_address(line: str) -> re.Match[str] | None:
    *_, last = [None, *_ADDRESS.finditer(_NO_ADDRESS.sub(" ", line))]
    return last
