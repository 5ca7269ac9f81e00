"""start_process and restart_process: begin a run or join one, and say what came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import cast

import anyio

from persistproc_core.errors import StartFailed
from persistproc_core.protocol import ProcessInfo, RestartProcessParams, StartProcessParams, StartReply

from .calling import asked, beating, common, directory, given, needed_directory
from .launched import launched
from .readiness import ASKED, Outcome, check_conditions, until_ready
from .text.processes import address, command, difference_texts, started
from .text.safe import short_path
from .text.times import epoch
from .tool import Answer, Call

__all__ = ["restart_process", "start_process"]

_SETTLED_SECONDS = 10.0


async def start_process(call: Call) -> Answer:
    """Start or join, then wait until there is something to tell."""
    began = anyio.current_time()
    params = {
        **common(call, needed_directory(call)),
        **given(call, "command", "name", "environment", "tty", "replace", "fresh", "protected", "reason", "force"),
        **given(call, "restart", "autostart", "ttl_seconds", "idle_timeout_seconds"),
    }
    if "port" in call.arguments:
        params["ports"] = [given(call, "port") if call.arguments["port"] else {}]
    await check_conditions(call)
    client = call.hub.client
    info = await beating(call, None, "starting", lambda: client.start_process(**cast("StartProcessParams", params)))
    return await launched(call, info, _head(call, info), lambda: _outcome(call, info, began), _differences(call, info))


async def _outcome(call: Call, info: StartReply, began: float) -> Outcome:
    settled = info["already_running"] and time.time() - epoch(info["started_at"]) > _SETTLED_SECONDS
    if settled and not given(call, *ASKED):
        return Outcome(asked=False)
    return await until_ready(call, info, began)


def _head(call: Call, info: StartReply) -> str:
    name, what = address(info, directory(call)), f"{command(info)} in {short_path(info['working_directory'])}"
    if info["already_running"]:
        by = started(info, call.caller)
        return f"{name} is already running (pid {info['pid']}, {by}), nothing was started: {what}."
    verb = "Restarted" if info["replaced_run"] is not None else "Started"
    return f"{verb} {name} (pid {info['pid']}): {what}."


def _differences(call: Call, info: StartReply) -> list[str]:
    environment = call.arguments.get("environment")
    names = list(environment) if isinstance(environment, Mapping) else []
    # Where no port was asked for, what it listens on says more than that there was none.
    differences = [each for each in info["differences"] if each["what"] != "ports" or info["assigned_ports"]]
    texts = difference_texts(differences, names)
    if not texts:
        return []
    told = f"What runs differs from what you asked: {'; '.join(texts)}."
    # The name stays as it is.
    only_name = all(text.startswith("name:") for text in texts)
    return [told if only_name else f"{told} fresh=true restarts it as you asked."]


async def restart_process(call: Call) -> Answer:
    """The same for a new run of a known process."""
    began = anyio.current_time()
    await check_conditions(call)
    info, ended, notes = await _restarted(call)

    async def outcome() -> Outcome:
        return Outcome(asked=bool(given(call, *ASKED))) if ended else await until_ready(call, info, began)

    name = address(info, directory(call))
    what = f"{command(info)} in {short_path(info['working_directory'])}"
    return await launched(
        call, info, f"Restarted {name} (pid {info['pid']}, run {info['run']}): {what}.", outcome, notes
    )


async def _restarted(call: Call) -> tuple[ProcessInfo, bool, list[str]]:
    """The new run, whether it has ended already, and what there is to know about it."""
    client = call.hub.client
    params = cast("RestartProcessParams", asked(call, "reason", "force", "grace_seconds"))
    try:
        reply = await beating(call, None, "restarting", lambda: client.restart_process(**params))
    except StartFailed as error:
        # It was started, and had ended before the daemon answered: the same as when it ends a moment later.
        if not isinstance(error.data.get("process"), dict):
            raise
        return cast("ProcessInfo", error.data["process"]), True, []
    if reply["environment_from"] == "run":
        return reply, False, []
    unknown = "Nobody knew its environment any more: it has the daemon's. To set variables: start_process."
    return reply, False, [unknown]
