"""What a caller asks for, checked and made exact."""

from __future__ import annotations

import resource
import signal
from typing import NamedTuple

from ..errors import InvalidParams
from ..protocol import ClientInfo, StartProcessParams
from .words.command import Command

__all__ = ["Requested", "by_whom", "signal_number"]


class Requested(NamedTuple):
    """A start as it was asked for."""

    command: Command
    name: str | None
    directory: str
    project: str
    environment: dict[str, str]
    params: StartProcessParams

    def limits(self) -> tuple[tuple[str, int, int], ...]:
        """The resource limits. Raises `InvalidParams` for an unknown name or a pair that is none."""
        found = []
        for name, pair in self.params.get("resource_limits", {}).items():
            if len(pair) != 2:
                raise InvalidParams(f"resource_limits.{name} must be [soft, hard]")
            if name != name.lower() or not hasattr(resource, "RLIMIT_" + name.upper()):
                raise InvalidParams(
                    f"there is no resource limit {name}", hint="names are those of getrlimit(2): nofile, core"
                )
            found.append((name, pair[0], pair[1]))
        return tuple(found)

    def ignored_signals(self) -> tuple[int, ...]:
        """The signals to ignore. Raises `InvalidParams` for an unknown name."""
        return tuple(signal_number(name) for name in self.params.get("ignored_signals", []))


def signal_number(name: str) -> int:
    """15 for ``SIGTERM``, ``TERM``, ``term`` and ``15``. Raises `InvalidParams`."""
    text = name.strip().upper()
    if text.isascii() and text.isdigit():
        number = int(text)
        if number in signal.valid_signals():
            return number
    else:
        try:
            return signal.Signals[text if text.startswith("SIG") else "SIG" + text].value
        except KeyError:
            pass
    raise InvalidParams(f"there is no signal {name}", hint="for example SIGTERM, SIGINT, SIGHUP, SIGUSR1")


def by_whom(verb: str, client: ClientInfo, reason: str | None) -> str:
    """``stopped by cursor: dependency update``."""
    return f"{verb} by {client['name']}" + (f": {reason}" if reason else "")
