"""Who calls through the bridge: the name that others are shown, and the directory that names are looked up in."""

from __future__ import annotations

import os
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.types import Scope

from persistproc_core.protocol import CallerParams, ClientInfo

from .guard.peer import PEER, Peer
from .program_names import clean, from_arguments, from_user_agent, is_library

__all__ = ["CLIENT_HEADER", "DIRECTORY_HEADER", "PID_HEADER", "Caller", "caller_of"]

CLIENT_HEADER = "persistproc-client"
"""``name/version`` of the program that a relay speaks for."""
DIRECTORY_HEADER = "persistproc-directory"
"""The directory it works in, percent-encoded (RFC 3986, section 2.1)."""
PID_HEADER = "persistproc-pid"
"""Its process id."""

_KNOWN = "persistproc.callers"
"""Where a scope has those that were found."""
_MAX_DIRECTORY = 4096
_MAX_PID = 2**31


class Caller(NamedTuple):
    """On whose behalf a call to the daemon is made."""

    name: str
    """The program: claude-code, cursor, curl."""
    version: str = ""
    pid: int | None = None
    """Of the process at the other end, where that can be told."""
    directory: str | None = None
    """The directory it works in, where that can be told."""
    session: str | None = None
    """What tells its conversations apart, where it says so."""

    def client(self) -> ClientInfo:
        """As the protocol has it."""
        client: ClientInfo = {"name": self.name}
        if self.version:
            client["version"] = self.version
        if self.pid is not None:
            client["pid"] = self.pid
        if self.directory:
            client["directory"] = self.directory
        if self.session:
            client["session"] = self.session
        return client

    def params(self, working_directory: str | None = None) -> CallerParams:
        """What every call has in common; ``working_directory`` instead of the caller's own."""
        params: CallerParams = {"client": self.client()}
        directory = working_directory or self.directory
        if directory:
            params["working_directory"] = directory
        return params


async def caller_of(scope: Scope, *, name: str = "", version: str = "") -> Caller:
    """Who makes the request.

    The name is the first that there is of: ``name`` (what an MCP client calls itself), the relay's headers, the
    User-Agent, and the command line of the peer's process; one that names a mere library gives way to the command
    line. Pid and directory are the relay's, else those of the peer's process. Never raises.
    """
    # It is asked for several times in one request.
    known: dict[tuple[str, str], Caller] = scope.setdefault(_KNOWN, {})
    if (name, version) not in known:
        known[name, version] = await _found(scope, name, version)
    return known[name, version]


async def _found(scope: Scope, name: str, version: str) -> Caller:
    headers = Headers(scope=scope)
    peer = scope.get(PEER)
    told = _told_by_relay(headers) if _may_speak_for_others(peer) else Caller("")
    names = [(clean(name), version), (told.name, told.version), from_user_agent(headers.get("user-agent", ""))]
    said, its_version = next(((each, its) for each, its in names if each), ("", ""))
    pid, directory = told.pid, told.directory
    if isinstance(peer, Peer) and (pid is None or directory is None or not said or is_library(said)):
        process = await peer.process()
        # A relay's own directory is its agent's, which started it.
        pid, directory = pid or process.pid, directory or process.directory
        if (not said or is_library(said)) and process.arguments and not told.name:
            said, its_version = from_arguments(process.arguments) or said, ""
    return Caller(said or "unknown", clean(its_version), pid, directory)


def _may_speak_for_others(peer: object) -> bool:
    # With a token another user may call; what he says of directories and pids is not of this side.
    return isinstance(peer, Peer) and (peer.is_ours or peer.uid is None)


def _told_by_relay(headers: Headers) -> Caller:
    name, _, version = headers.get(CLIENT_HEADER, "").partition("/")
    directory = os.fsdecode(unquote_to_bytes(headers.get(DIRECTORY_HEADER, "")))
    # An agent that was started from the desktop is in /, which is nobody's project.
    place = os.path.isabs(directory) and directory.strip("/") != ""
    usable = place and "\0" not in directory and len(directory) <= _MAX_DIRECTORY
    number = headers.get(PID_HEADER, "")
    pid = int(number) if number.isascii() and number.isdecimal() and len(number) <= 10 else 0
    return Caller(clean(name), version, pid if 0 < pid <= _MAX_PID else None, directory if usable else None)
