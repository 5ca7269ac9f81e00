"""A tool is called by its name: arguments read, work done, failures put into words, news added."""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable, Mapping

from persistproc_core.errors import InvalidParams, PersistprocError

from .. import log
from ..callers import Caller
from ..hub import Hub
from .arguments import read_arguments
from .calling import checked_directory
from .declared import TOOLS
from .failures import failure
from .news import with_news
from .text.safe import quoted
from .tool import Answer, Call, Progress

__all__ = ["run_tool"]


async def run_tool(hub: Hub, caller: Caller, name: str, arguments: Mapping[str, object], progress: Progress) -> Answer:
    """What the tool answers. Whatever goes wrong is an answer as well; a cancellation alone is raised."""
    tool = TOOLS.get(name)
    if tool is None:
        return Answer(f"There is no tool {quoted(name, 60)}; there are {', '.join(TOOLS)}.", failed=True)
    call = Call(hub, _without_guess(caller), arguments, progress)
    try:
        call = call._replace(arguments=read_arguments(tool, arguments))
        where = checked_directory(call)
        if where is not None:
            call = call._replace(arguments={**call.arguments, "working_directory": where})
    except InvalidParams as error:
        # Nothing was done yet, and it is soon called again: the news wait for that.
        return await failure(call, error)
    try:
        return await with_news(call, await _answered(call, tool.run))
    except Exception as error:
        return _defect(name, error)


def _without_guess(caller: Caller) -> Caller:
    """An editor that was started from a menu works in ``/`` or at home, which says nothing of its user's project."""
    nowhere = caller.directory in ("/", os.path.expanduser("~"))
    return caller._replace(directory=None) if nowhere else caller


async def _answered(call: Call, run: Callable[[Call], Awaitable[Answer]]) -> Answer:
    try:
        return await run(call)
    except PersistprocError as error:
        return await failure(call, error)


def _defect(name: str, error: Exception) -> Answer:
    """A defect of ours: the log has its place."""
    number = secrets.token_hex(4)
    log.exception("defect", error, tool=name, id=number)
    told = f"persistproc has a defect in {name}; the log of its bridge has it as {number}."
    return Answer(f"{told} Whether it was done is not known: list_processes shows what is so.", failed=True)
