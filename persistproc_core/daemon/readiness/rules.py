"""What makes a run ready and what it must go on to answer, by its settings; and whether that can be looked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from ...errors import InvalidParams
from ...protocol import Liveness, ReadyWhen
from ..model import Run
from ..ports.wishes import required
from ..settings import Settings
from ..waiting.conditions.line import compiled
from ..waiting.conditions.url import Wanted, parse_url
from ..words.command import parse_command

__all__ = ["Kind", "Rule", "check", "is_expected", "liveness_of", "no_longer_ready", "rule_of"]

Kind = Literal["output", "port", "url", "command", "completed"]

_READY_KINDS: Final[tuple[Kind, ...]] = ("output", "port", "url", "command", "completed")
_ALIVE_KINDS: Final[tuple[Kind, ...]] = ("port", "url", "command")
_READY_SECONDS = 60.0
_ATTEMPT_SECONDS = 0.5
_LOOK_SECONDS = 10.0
_LOOK_WITHIN_SECONDS = 5.0
_FAILURES = 3
_COMMAND_WITHIN_SECONDS = 10.0
_BELOW = 400


class Rule(NamedTuple):
    """One thing to look at."""

    kind: Kind
    value: str | tuple[str, ...]
    """The regular expression, the URL, the command; else an empty text."""
    port: int = 0
    wanted: Wanted = Wanted(_BELOW)
    interval_seconds: float = _ATTEMPT_SECONDS
    timeout_seconds: float = _READY_SECONDS
    """Readiness: how long after the start it may come. Liveness: how long one look may take."""
    failures: int = 1
    """How many looks in a row must fail; readiness: no meaning."""

    @property
    def text(self) -> str:
        """The regular expression or the URL."""
        return self.value if isinstance(self.value, str) else ""

    @property
    def attempt_seconds(self) -> float:
        """How long one run of the command may take while it is asked whether it is ready."""
        return max(_COMMAND_WITHIN_SECONDS, self.interval_seconds)


def rule_of(settings: Settings) -> Rule | None:
    """When a run is ready; None: nobody said. Raises `InvalidParams` for what cannot be looked for."""
    ready = settings.ready
    if ready is not None:
        kind = _kind("ready", ready, _READY_KINDS)
        if kind != "completed" and "completed" in ready:
            raise InvalidParams(f"ready takes one of {', '.join(_READY_KINDS)}: leave completed out")
        return _rule("ready", kind, ready, settings)._replace(
            interval_seconds=ready.get("interval_seconds", _ATTEMPT_SECONDS),
            timeout_seconds=ready.get("timeout_seconds", _READY_SECONDS),
        )
    port = _first_port(settings)
    if port is not None:
        return Rule("port", "", port)
    alive = liveness_of(settings)
    if alive is not None:
        return alive._replace(interval_seconds=_ATTEMPT_SECONDS, timeout_seconds=_READY_SECONDS, failures=1)
    return None


def is_expected(settings: Settings) -> bool:
    """Whether such a run is to become ready."""
    return settings.ready is not None or settings.liveness is not None or _first_port(settings) is not None


def liveness_of(settings: Settings) -> Rule | None:
    """What a run must go on to answer; None: nothing. Raises `InvalidParams` for what cannot be looked for."""
    liveness = settings.liveness
    if liveness is None:
        return None
    return _rule("liveness", _kind("liveness", liveness, _ALIVE_KINDS), liveness, settings)._replace(
        interval_seconds=liveness.get("interval_seconds", _LOOK_SECONDS),
        timeout_seconds=liveness.get("timeout_seconds", _LOOK_WITHIN_SECONDS),
        failures=liveness.get("failures", _FAILURES),
    )


def check(settings: Settings) -> None:
    """Raise `InvalidParams` for what nobody could look for. Blocks: a pattern is compiled."""
    for rule in (rule_of(settings), liveness_of(settings)):
        if rule is None:
            continue
        if rule.kind == "output":
            compiled(rule.text)
        elif rule.kind == "url":
            parse_url(rule.text)
        elif rule.kind == "command":
            parse_command(rule.value)


def no_longer_ready(run: Run) -> None:
    """A run that has ended is not ready any more, unless its end was what made it so, or something of it goes on."""
    if not run.ready or run.live:
        return
    completed = run.settings.ready is not None and "completed" in run.settings.ready
    if run.state != "exited" or (run.gone.is_set() and not completed):
        run.ready = False


def _first_port(settings: Settings) -> int | None:
    """The first port that it is to listen on, not one that it merely may."""
    return next(iter(required(settings.ports, dict(settings.assigned_ports)).values()), None)


def _kind(what: str, given: Mapping[str, object], kinds: tuple[Kind, ...]) -> Kind:
    # completed = false says nothing; false beside another one would be refused for no reason.
    said = [kind for kind in kinds if kind in given and given[kind] is not False]
    if len(said) != 1:
        found = f"not {' and '.join(said)}" if said else "which is missing"
        raise InvalidParams(f"{what} needs exactly one of {', '.join(kinds)}, {found}")
    if "status" in given and said[0] != "url":
        raise InvalidParams(f"{what}.status belongs to a url", hint="give url, or leave status out")
    return said[0]


def _rule(what: str, kind: Kind, given: ReadyWhen | Liveness, settings: Settings) -> Rule:
    wanted = Wanted(_BELOW, given.get("status"))
    if kind == "port":
        return Rule(kind, "", _port(what, given.get("port", 0), settings))
    if kind == "completed":
        return Rule(kind, "")
    value = given.get(kind)
    return Rule(kind, value if isinstance(value, str) else tuple(_words(value)), wanted=wanted)


def _words(value: object) -> list[str]:
    return [str(word) for word in value] if isinstance(value, (list, tuple)) else []


def _port(what: str, given: int | str, settings: Settings) -> int:
    assigned = dict(settings.assigned_ports)
    if isinstance(given, int):
        return given
    if given in assigned:
        return assigned[given]
    if given.isascii() and given.isdigit() and 0 < int(given) < 65536:
        return int(given)
    known = f"its ports are {', '.join(assigned)}" if assigned else "it has none: give the number, or ports"
    raise InvalidParams(f"{what}.port: it has no port {given!r}", hint=known)
