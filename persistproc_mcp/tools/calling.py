"""What the tools have in common: parameters for the daemon, a sign of life while they wait."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from persistproc_core.errors import InvalidParams

from ..callers import Caller
from .text.safe import inline
from .tool import Call

__all__ = [
    "asked",
    "beating",
    "checked_directory",
    "common",
    "directory",
    "given",
    "needed_directory",
    "number",
    "text",
    "without_guess",
]

T = TypeVar("T")

_BEAT_SECONDS = 5.0
"""Clients that give up on a silent call do so after 30 s or more; several begin anew at each sign of progress."""


def given(call: Call, *names: str) -> dict[str, object]:
    """Those of the arguments that were given, by the names of the protocol, which are the same."""
    return {name: call.arguments[name] for name in names if name in call.arguments}


def text(call: Call, name: str) -> str | None:
    """An argument that is a text."""
    value = call.arguments.get(name)
    return value if isinstance(value, str) else None


def number(call: Call, name: str, default: float) -> float:
    """An argument that is a number."""
    value = call.arguments.get(name, default)
    return value if isinstance(value, (int, float)) else default


def directory(call: Call) -> str | None:
    """Where names are looked up, and where commands run: as the call says, else where the caller works."""
    return text(call, "working_directory") or call.caller.directory


def needed_directory(call: Call) -> str:
    """The same where it has to be known. Raises `InvalidParams`."""
    where = directory(call)
    if where is None:
        raise InvalidParams(
            "working_directory is needed: the absolute path of the project; where you work cannot be told"
        )
    return where


def common(call: Call, where: str | None = None) -> dict[str, object]:
    """The parameters that every method takes."""
    return dict(call.caller.params(where or text(call, "working_directory")))


def asked(call: Call, *names: str) -> dict[str, object]:
    """The parameters of a method about one process: which one, and those of the names that were given."""
    return {**common(call), **given(call, "process", *names)}


def checked_directory(call: Call) -> str | None:
    """The argument ``working_directory`` as an absolute path, None without one. Raises `InvalidParams`."""
    path = text(call, "working_directory")
    if path is None:
        return None
    if "\0" in path:
        raise InvalidParams("working_directory holds a NUL character, which no path has")
    absolute = os.path.expanduser(path.strip())
    if os.path.isabs(absolute):
        return os.path.normpath(absolute)
    told = f'working_directory must be an absolute path; got "{inline(path)}"'
    if call.caller.directory is None:
        raise InvalidParams(told)
    raise InvalidParams(
        f"{told}. You probably want {inline(os.path.normpath(os.path.join(call.caller.directory, path)))}"
    )


def without_guess(caller: Caller) -> Caller:
    """An editor that was started from a menu works in ``/`` or at home, which says nothing of its user's project."""
    nowhere = caller.directory in ("/", os.path.expanduser("~"))
    return caller._replace(directory=None) if nowhere else caller


async def beating(
    call: Call, seconds: float | None, words: str, work: Callable[[], Awaitable[T]], *, since: float | None = None
) -> T:
    """Do the work, and tell the client every few seconds that it goes on. Raises what the work raises.

    ``since``, on anyio's clock, is when the call began that this is not the first work of.
    """
    done: list[T] = []
    failures: list[Exception] = []
    async with anyio.create_task_group() as group:
        group.start_soon(_beat, call, seconds, words, since)
        try:
            done.append(await work())
        except Exception as error:
            # Kept out of the group, which would wrap it.
            failures.append(error)
        group.cancel_scope.cancel()
    if failures:
        raise failures[0]
    return done[0]


async def _beat(call: Call, seconds: float | None, words: str, since: float | None) -> None:
    began = anyio.current_time()
    # The numbers of one call must grow all the time (MCP 2025-11-25, Progress).
    before = 0.0 if since is None else began - since
    total = None if seconds is None else round(before + seconds, 3)
    of = f" of {seconds:g}" if seconds else ""
    while True:
        await anyio.sleep(_BEAT_SECONDS)
        passed = anyio.current_time() - began
        try:
            await call.progress(round(before + passed, 3), total, f"{words}, {passed:.0f}{of} s")
        except Exception:
            return  # nobody listens any more; the work has its own end
