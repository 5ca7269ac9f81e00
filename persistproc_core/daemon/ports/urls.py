"""Where a browser finds what listens: as the program printed it, else by its port."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from ...protocol import Listener
from ..kernel.identity import program_name
from ..logs.output import read_output
from ..logs.reader import RunLog
from ..logs.segments import Offsets
from ..model import Run
from ..words.printed_urls import printed_url

__all__ = ["Urls", "guessed"]

_MOST_BYTES = 256 * 1024
"""Of the beginning of its output: servers say so when they begin."""
_MOST_AT_ONCE = 64 * 1024
_MOST_RUNS = 2000

# By IANA's registry, and by what these programs take when nobody says otherwise: none of them speaks HTTP.
_OTHER_PROTOCOLS = frozenset(
    {21, 22, 23, 25, 53, 110, 143, 389, 465, 587, 636, 993, 995, 1433, 1521, 1883, 2181, 3306, 4222, 5005, 5432, 5672}
    | {5678, 5900, 6379, 6432, 7687, 8883, 9042, 9092, 9229, 11211, 27017, 33060}
)
_OTHER_PROGRAMS = frozenset(
    {"postgres", "postmaster", "mysqld", "mariadbd", "redis-server", "valkey-server", "mongod", "memcached", "sshd"}
    | {"nats-server", "mosquitto", "pgbouncer", "beam.smp", "rabbitmq-server"}
)
_SECURE = frozenset({443, 8443})


class _Read(NamedTuple):
    """How far the output of a run was looked through, and what it told."""

    place: Offsets
    urls: dict[int, str]


_NOTHING_READ = _Read(Offsets(0, 0), {})


class Urls:
    """Finds them when somebody asks; nothing of the output is read twice. May be used from several threads."""

    def __init__(self) -> None:
        self._read: dict[str, _Read] = {}
        self._lock = threading.Lock()

    def put(self, run: Run, listeners: Sequence[Listener]) -> str | None:
        """Put its URL into each of the listeners; returns that of the run. Blocks for a read of the log."""
        if not listeners:
            return None
        printed = self._printed(run, {listener["port"] for listener in listeners})
        for listener in listeners:
            listener["url"] = printed.get(listener["port"]) or _guess(listener)
        return _first(run, listeners, printed)

    def _printed(self, run: Run, ports: set[int]) -> dict[int, str]:
        """What it printed of these ports."""
        with self._lock:
            read = self._read.pop(run.run_id, _NOTHING_READ)
        if not ports <= read.urls.keys() and sum(read.place) < _MOST_BYTES:
            read = _go_on(run, read)
        with self._lock:
            self._read[run.run_id] = read
            while len(self._read) > _MOST_RUNS:
                del self._read[next(iter(self._read))]
        return {port: url for port, url in read.urls.items() if port in ports}


def _go_on(run: Run, read: _Read) -> _Read:
    output = read_output(RunLog(run.directory), read.place, "combined", _MOST_AT_ONCE, ended=False)
    urls = dict(read.urls)
    for line in output.lines:
        url = printed_url(line.get("text", ""))
        port = urlsplit(url).port if url is not None else None
        if url is not None and port is not None:
            urls.setdefault(port, url)
    return _Read(output.end, urls)


def _guess(listener: Listener) -> str | None:
    url = guessed(listener["port"], listener["address"])
    # Of the process that listens: what is run may be a shell script that begins it.
    return None if url is None or program_name(listener["pid"]) in _OTHER_PROGRAMS else url


def guessed(port: int, address: str) -> str | None:
    """The URL of a server that said nothing; None for one that surely speaks no HTTP."""
    if port in _OTHER_PROTOCOLS:
        return None
    host = "localhost"
    if address not in ("127.0.0.1", "0.0.0.0", "::", "::1"):
        host = f"[{address}]" if ":" in address else address
    if port in (80, 443):
        return f"{'https' if port == 443 else 'http'}://{host}"
    return f"{'https' if port in _SECURE else 'http'}://{host}:{port}"


def _first(run: Run, listeners: Sequence[Listener], printed: Mapping[int, str]) -> str | None:
    """Of its first declared port that listens, else what it printed first, else of its lowest port."""
    by_port = {listener["port"]: listener["url"] for listener in reversed(listeners)}
    declared = [by_port[port] for _, port in run.settings.assigned_ports if by_port.get(port)]
    return next(
        iter([*declared, *printed.values(), *(listener["url"] for listener in listeners if listener["url"])]), None
    )
