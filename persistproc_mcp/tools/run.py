"""A tool is called by its name: arguments read, work done, failures put into words, news added."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping

from persistproc_core.errors import InvalidParams, PersistprocError

from .. import log
from ..callers import Caller
from ..hub import Hub
from .arguments import read_arguments
from .calling import checked_directory, without_guess
from .declared import TOOLS
from .failures import failure
from .news import with_news
from .text.safe import quoted
from .tool import Answer, Call, Progress, Tool

__all__ = ["prepared", "run_tool"]


async def run_tool(hub: Hub, caller: Caller, name: str, arguments: Mapping[str, object], progress: Progress) -> Answer:
    """What the tool answers. Whatever goes wrong is an answer as well; a cancellation alone is raised."""
    tool = TOOLS.get(name)
    if tool is None:
        return Answer(f"There is no tool {quoted(name, 60)}; there are {', '.join(TOOLS)}.", failed=True)
    call = Call(hub, caller, arguments, progress, [])
    try:
        try:
            call = prepared(tool, call)
        except InvalidParams as error:
            # Nothing was done yet, and it is soon called again: the news wait for that.
            return await failure(call, error)
        return await with_news(call, await _answered(call, tool.run))
    except Exception as error:
        return _defect(name, error)


def prepared(tool: Tool, call: Call) -> Call:
    """The call as `Tool.run` takes it: its arguments read and checked. Raises `InvalidParams`."""
    call = call._replace(caller=without_guess(call.caller), arguments=read_arguments(tool, call.arguments))
    where = checked_directory(call)
    return call if where is None else call._replace(arguments={**call.arguments, "working_directory": where})


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
