"""What a run that failed says of a port in use, and who holds it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import anyio
import anyio.to_thread

from ..logs.output import last_output
from ..logs.reader import RunLog
from ..model import Process, Run
from .holders import Holders, belongs_to, who

__all__ = ["PortTrouble", "named_port", "says_in_use"]

_WITHIN_SECONDS = 1.0
_LINES = 60
_BYTES = 16 * 1024

# EADDRINUSE as libuv, Python, Go, Java, nginx and the frameworks on them write it.
_IN_USE = re.compile(
    r"EADDRINUSE|address already in use|address in use|port \d+ (?:is|was) (?:already )?(?:in use|taken|used)"
    r"|port \d+ is not available|only one usage of each socket address",
    re.IGNORECASE,
)
_PORT = re.compile(r"\bport\W{0,4}(\d{2,5})\b", re.IGNORECASE)
_ADDRESS = re.compile(r"[:,] ?(\d{2,5})\b")
_NUMBER = re.compile(r"\b\d{2,5}\b")
# A time of day in front of a line, and the number of the error, look like the end of an address.
_NO_ADDRESS = re.compile(
    r"(?<![\d.:\]])\d{1,2}:[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?!\d)|\b(?:errno|os error|code)\W{0,3}\d+", re.IGNORECASE
)


class PortTrouble:
    """Explains it."""

    def __init__(self, holders: Holders) -> None:
        self._holders = holders

    async def explain(self, process: Process, run: Run, lines: Sequence[str] | None = None) -> str:
        """``port 3000 is held by shop/web (pid 7)``, when its last lines say that an address is in use; else nothing.

        ``lines`` are read where they are not given. Takes a second at most.
        """
        with anyio.move_on_after(_WITHIN_SECONDS):
            if lines is None:
                # The end of the run is told only then: a file system that hangs must not keep it back.
                lines = await anyio.to_thread.run_sync(_last_lines, run.directory, abandon_on_cancel=True)
            if says_in_use(lines):
                return await self._explain(process, run, lines)
        return ""

    async def _explain(self, process: Process, run: Run, lines: Sequence[str]) -> str:
        named = named_port(lines)
        ports = [named] if named is not None else _supposed(run)
        for port in ports:
            for holder in await self._holders.all(port):
                if not belongs_to(holder, process.project_directory, process.name):
                    return f"port {port} is held by {who(holder)}"
                return f"port {port} is held by another process of its own (pid {holder['pid']})"
        return f"port {named} was in use, and is free now" if named is not None else ""


def says_in_use(lines: Sequence[str]) -> bool:
    """Whether one of the lines says that an address is in use."""
    return any(_IN_USE.search(line) for line in lines)


def named_port(lines: Sequence[str]) -> int | None:
    """The port that they name beside it."""
    for index, line in enumerate(lines):
        if not _IN_USE.search(line):
            continue
        found = _PORT.search(line) or _last_address(line)
        # Node tells it some lines below, among lines of code that have numbers as well.
        below = (_PORT.search(each) for each in lines[index + 1 : index + 12])
        found = found or next((each for each in below if each), None)
        if found is not None and 0 < int(found[1]) < 65536:
            return int(found[1])
    return None


def _last_address(line: str) -> re.Match[str] | None:
    *_, last = [None, *_ADDRESS.finditer(_NO_ADDRESS.sub(" ", line))]
    return last


def _supposed(run: Run) -> list[int]:
    """The ports that it was to have, else the numbers in its command that could be one."""
    assigned = [port for _, port in run.settings.assigned_ports]
    numbers = (int(number) for number in _NUMBER.findall(run.command.text))
    return assigned or [number for number in dict.fromkeys(numbers) if 0 < number < 65536][:5]


def _last_lines(directory: str) -> list[str]:
    found = last_output(RunLog(directory), _LINES, "combined", _BYTES, ended=True)
    return [line.get("text", "") for line in found.lines]
