"""How somebody wants to be served, and whether a bridge that is there already will do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from persistproc_core.errors import PersistprocError
from persistproc_core.paths import Home

from ..settings import About
from .sockets import address_of, is_loopback

__all__ = ["Outcome", "ServedOtherwise", "Wanted", "as_before", "check_content", "facts_to_keep", "serving_facts"]


class ServedOtherwise(PersistprocError):
    """Another bridge serves this home, but not in the way that was asked for."""

    code = "served_otherwise"


class Wanted(NamedTuple):
    """How somebody wants to be served."""

    home: Home
    host: str | None = None
    """None: this machine alone will do, or as it was."""
    port: int | None = None
    """0: any free one; None: the usual one, or as it was."""
    no_port: bool = False
    """The Unix socket alone."""
    port_if_free: bool = False
    """Serve on the socket alone when the port is taken."""
    token: bool = False
    token_file: str | None = None
    foreground: bool = False
    """Somebody looks on: warnings go to standard error as well."""


class Outcome(NamedTuple):
    """What became of it."""

    about: About
    already: bool
    """Another bridge serves this home; we do not."""


def serving_facts(wanted: Wanted, port: int | None) -> dict[str, object]:
    """What the next bridge has to know to serve in the same way; ``port`` is the one that was bound."""
    return {
        "host": wanted.host,
        "port": port or wanted.port,
        "no_port": wanted.no_port,
        "token": wanted.token,
        "token_file": wanted.token_file,
    }


def as_before(wanted: Wanted, facts: Mapping[str, object]) -> Wanted:
    """The same with what was left open filled in by the facts of the last bridge; a host or port given wins.

    Agents that know its URL find the next one there, whoever starts it.
    """
    if wanted.no_port or wanted.port is not None or wanted.host is not None:
        return wanted
    host, port, token_file = facts.get("host"), facts.get("port"), facts.get("token_file")
    return wanted._replace(
        host=host if isinstance(host, str) else None,
        port=port if isinstance(port, int) else None,
        no_port=facts.get("no_port") is True,
        token=wanted.token or facts.get("token") is True,
        token_file=token_file if isinstance(token_file, str) else wanted.token_file,
    )


def facts_to_keep(wanted: Wanted, port: int | None) -> dict[str, object]:
    """What the next bridge has to know after one that was ended in good order.

    Less than after a crash: a bridge that starts by itself must not open a port to other machines again that somebody
    has closed, nor be without a port because the last one was.
    """
    local = wanted.host is None or is_loopback(address_of(wanted.host))
    facts = serving_facts(wanted, port)
    # 0 asked for any port: the one that it was is nothing to come back to.
    return {
        **facts,
        "host": wanted.host if local else None,
        "port": None if wanted.port == 0 else facts["port"],
        "no_port": False,
    }


def check_content(wanted: Wanted, other: About) -> None:
    """Raise `ServedOtherwise` when the bridge that is there is not what somebody has asked for in so many words."""
    if wanted.port_if_free or wanted.no_port:
        return
    problem = ""
    if other["port"] is None:
        problem = f"on its socket alone ({other['port_problem'] or 'that was asked for'})"
    elif wanted.port and wanted.port != other["port"]:
        problem = f"on port {other['port']}, not on {wanted.port}"
    elif wanted.host is not None and address_of(wanted.host) != other["host"]:
        problem = f"on {other['host']}, not on {wanted.host}"
    elif (wanted.token or wanted.token_file) and not other["token_needed"]:
        problem = "without a token"
    if problem:
        raise ServedOtherwise(
            f"a bridge (pid {other['pid']}) serves this home already, {problem}",
            hint="to change that: persistproc serve --stop, then serve again, and persistproc agent install for agents "
            "that use its URL",
        )
