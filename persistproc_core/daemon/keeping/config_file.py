"""The content of ``config.toml`` (TOML 1.0), without any file: what it says, and what is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from ...sizes import MAX_SIZE, parse_size, size_text
from ..restarting.policy import Backoff

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["CAREFUL", "Config", "ProcessLimits", "parse"]

_MOST_RUNS = 1000
_MOST_SHOWN = 60
_MOST_RESTARTS = 1000
_MOST_SECONDS = 86400


class ProcessLimits(NamedTuple):
    """What is configured for one process; None: nothing."""

    stream_bytes: int | None = None
    runs: int | None = None


class Config(NamedTuple):
    """All that can be configured, with the defaults."""

    stream_bytes: int = 64 * 1024 * 1024
    """How much is kept of each stream of a run."""
    total_bytes: int = 2 * 1024 * 1024 * 1024
    """How much is kept of all processes together."""
    runs: int = 20
    """How many runs are kept of each process."""
    processes: Mapping[str, ProcessLimits] = {}
    """By name, project/name or the project's directory/name."""
    restart: Backoff = Backoff()
    """How restarts by policy follow each other."""


CAREFUL = Config(MAX_SIZE, MAX_SIZE, _MOST_RUNS)
"""What counts for wrong values where nothing was read before, as after a start of the daemon: nothing is deleted."""

_Default = TypeVar("_Default", bound="int | None")


def parse(data: bytes, before: Config) -> tuple[Config, list[str]]:
    """The configuration, and a sentence about each thing that is wrong: that keeps the value it had ``before``."""
    try:
        document: dict[str, object] = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        return before, ["is not UTF-8"]
    except (ValueError, RecursionError) as error:
        return before, [f"is not TOML: {error}"]
    reading = _Reading(before)
    return reading.config(document), reading.problems


class _Reading:
    """One reading of one file."""

    def __init__(self, before: Config) -> None:
        self.problems: list[str] = []
        self._before = before
        self._unread = ProcessLimits(MAX_SIZE, _MOST_RUNS) if before is CAREFUL else ProcessLimits()
        self._misspelt = False

    def config(self, document: dict[str, object]) -> Config:
        self._only_known(document, ("output", "processes", "restart"), "")
        output = self._table(document, "output")
        self._only_known(output, Config._fields[:3], "output.")
        default, before = Config(), self._before
        stream_bytes = self._value(output, "output.", "stream_bytes", default.stream_bytes, before.stream_bytes)
        total_bytes = self._value(output, "output.", "total_bytes", default.total_bytes, before.total_bytes)
        runs = self._value(output, "output.", "runs", default.runs, before.runs)
        processes = {name: self._process(name, table) for name, table in self._table(document, "processes").items()}
        return Config(stream_bytes, total_bytes, runs, processes, self._backoff(self._table(document, "restart")))

    def _backoff(self, table: dict[str, object]) -> Backoff:
        self._only_known(table, Backoff._fields, "restart.")
        before = self._before.restart
        pause, longest, reset = (
            self._seconds(table, *each) for each in zip(Backoff._fields, Backoff()[:3], before[:3], strict=False)
        )
        limit = table.get("limit", before.limit if self._misspelt else Backoff().limit)
        if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= _MOST_RESTARTS:
            expected = f"a number from 1 to {_MOST_RESTARTS} is expected"
            self.problems.append(f"restart.limit: {expected}, not {_shown(limit)}; {before.limit} is used")
            limit = before.limit
        return Backoff(pause, longest, reset, limit)

    def _seconds(self, table: dict[str, object], name: str, default: float, before: float) -> float:
        value = table.get(name, before if self._misspelt else default)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _MOST_SECONDS:
            return float(value)
        expected = f"seconds from 0 to {_MOST_SECONDS} are expected"
        self.problems.append(f"restart.{name}: {expected}, not {_shown(value)}; {before:g} is used")
        return before

    def _process(self, name: str, table: object) -> ProcessLimits:
        path = f"processes.{name if name.isidentifier() else _shown(name)}"
        before = self._before.processes.get(name, self._unread)
        if not isinstance(table, dict):
            self.problems.append(f"{path}: a table is expected, not {_shown(table)}")
            return before
        self._only_known(table, ProcessLimits._fields, f"{path}.")
        stream_bytes = self._value(table, f"{path}.", "stream_bytes", None, before.stream_bytes)
        return ProcessLimits(stream_bytes, self._value(table, f"{path}.", "runs", None, before.runs))

    def _table(self, document: dict[str, object], name: str) -> dict[str, object]:
        table = document.get(name, {})
        if isinstance(table, dict):
            return table
        self.problems.append(f"{name}: a table is expected, not {_shown(table)}")
        self._misspelt = True
        return {}

    def _only_known(self, table: dict[str, object], known: tuple[str, ...], path: str) -> None:
        unknown = [name for name in table if name not in known]
        self._misspelt = self._misspelt or bool(unknown)
        self.problems += [
            f"{path}{name[:_MOST_SHOWN]}: there is no such key; there are {', '.join(known)}" for name in unknown
        ]

    def _value(
        self, table: dict[str, object], path: str, name: str, default: _Default, before: _Default
    ) -> int | _Default:
        """The value of a key; the default where it is not there, what it was before where it is wrong or misspelt."""
        if name not in table:
            return before if self._misspelt else default
        value = table[name]
        if name == "runs":
            number = value if isinstance(value, int) and not isinstance(value, bool) else -1
            expected, most = f"a number from 1 to {_MOST_RUNS} is expected", _MOST_RUNS
        else:
            number = _size(value)
            expected, most = 'a size is expected, as 67108864 or "64 MiB"', MAX_SIZE
            if number > most:
                expected = f"at most {size_text(MAX_SIZE)} is possible"
        if 1 <= number <= most:
            return number
        used = "" if before is None else f"; {before if name == 'runs' else size_text(before)} is used"
        self.problems.append(f"{path}{name}: {expected}, not {_shown(value)}{used}")
        return before


def _size(value: object) -> int:
    """Bytes; -1 for what is no size."""
    if isinstance(value, str):
        try:
            return parse_size(value)
        except ValueError:
            return -1
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 256:
        return "a number like that"  # Python refuses to write out one of millions of digits
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "..."
