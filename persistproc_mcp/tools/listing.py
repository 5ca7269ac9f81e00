"""list_processes: a table."""

from __future__ import annotations

import os
from typing import cast

import anyio.to_thread

from persistproc_core.protocol import ListProcessesParams, ListReply

from .calling import common, directory, given
from .reading import read
from .text.safe import short_path
from .text.table import process_table
from .tool import Answer, Call

__all__ = ["list_processes"]


async def list_processes(call: Call) -> Answer:
    """Those of the project; without a directory that can be told, of all projects."""
    params = {**common(call), **given(call, "all_projects", "running", "stale", "unused_for")}
    (listed,) = await read(call, ("list_processes", params))
    found = cast("ListReply", listed)["processes"]
    if found:
        about = tuple(info["run_id"] for info in found)
        return Answer(process_table(found, call.caller), about=about, tells_change=True)
    return Answer(await _nothing(call))


async def _nothing(call: Call) -> str:
    if call.arguments.get("stale"):
        everywhere = call.arguments.get("all_projects") or directory(call) is None
        return "Nothing looks left behind" + ("." if everywhere else " in this project; all_projects=true: in any.")
    what = "running process" if call.arguments.get("running") else "process"
    where = directory(call)
    if where is None or call.arguments.get("all_projects"):
        return f"There is no {what}."
    if not await anyio.to_thread.run_sync(os.path.isdir, where):
        return f"There is no folder {short_path(where)}, and no {what} of it."
    everywhere = {**common(call), **given(call, "running"), "all_projects": True}
    others = len((await call.hub.client.list_processes(**cast("ListProcessesParams", everywhere)))["processes"])
    told = f"There is no {what} in the project of {short_path(where)}"
    return f"{told}; all_projects=true lists {others} of other projects." if others else f"{told}, nor in any other."
