"""What is said of a project: what its file defines, what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from persistproc_core.protocol import (
    ProcessResult,
    ProjectProcess,
    ProjectReply,
    StartProjectReply,
    StopProjectReply,
)

from .processes import LIVE, listening, state_words
from .safe import inline, short_path
from .table import aligned
from .times import after

__all__ = ["failed_results", "project_text", "start_text", "stop_text"]

_DEFINED: Final = ("NAME", "STATE", "NEEDS", "PORTS", "COMMAND", "START_PROJECT WOULD")
_STARTED: Final = ("NAME", "RESULT", "READY", "AT")
_MOST_COMMAND = 60
_MOST_REASON = 300
_BAD: Final = ("failed", "not_started")


def project_text(reply: ProjectReply) -> str:
    """``shop in ~/shop, by persistproc.toml:`` and a table."""
    head = f"{inline(reply['project'])} in {short_path(reply['project_directory'])}, by {inline(_file(reply))}:"
    told = [head, *aligned([_DEFINED, *map(_defined, reply["processes"])])]
    if reply["removed"]:
        names = ", ".join(map(inline, reply["removed"]))
        told.append(f"Started from the file, and no longer in it: {names}. start_project(remove=true) ends that.")
    if not reply["approved"]:
        what = "This state of it" if reply["approved_before"] else "It"
        where = short_path(reply["project_directory"])
        told.append(
            f"{what} may not run yet: the user has to run `persistproc up` in {where}, which shows what would run and "
            "asks."
        )
    return "\n".join(told)


def _file(reply: ProjectReply) -> str:
    directory = reply["project_directory"].rstrip("/")
    return reply["file"].removeprefix(f"{directory}/")


def _defined(process: ProjectProcess) -> tuple[str, ...]:
    info = process["process"]
    state = state_words(info) if info is not None else "never started"
    state += " (optional)" if process["optional"] and (info is None or info["state"] not in LIVE) else ""
    urls = listening(info["ports"]) if info is not None else ""
    ports = urls or _ports(process["ports"])
    return (
        inline(process["name"]),
        state,
        _needs(process),
        ports or "-",
        inline(process["command"], _MOST_COMMAND),
        _action(process),
    )


def _needs(process: ProjectProcess) -> str:
    needs = [
        inline(name) if condition == "ready" else f"{inline(name)} {condition}"
        for name, condition in process["needs"].items()
    ]
    return ", ".join(needs) or "-"


def _ports(ports: Mapping[str, int]) -> str:
    if len(ports) == 1:
        return f":{next(iter(ports.values()))}"
    return ", ".join(f"{inline(name)} :{port}" for name, port in ports.items())


def _action(process: ProjectProcess) -> str:
    if process["action"] == "none":
        return "-"
    why = f" ({inline('; '.join(process['changes']), _MOST_REASON)})" if process["changes"] else ""
    return f"{process['action']} it{why}"


# --- what became of it ----------------------------------------------------------------------------------------------


def failed_results(results: Sequence[ProcessResult]) -> list[ProcessResult]:
    """Those that failed by themselves, not for want of another."""
    return [result for result in results if result["outcome"] == "failed"]


def start_text(reply: StartProjectReply) -> str:
    """In one line whether it is up, then a table, then what is wrong."""
    results = reply["results"]
    name, took = inline(reply["project"]), after(reply["elapsed_seconds"])
    bad = [result for result in results if result["outcome"] in _BAD]
    left = [result for result in results if _is_left_alone(result)]
    if not results:
        head = f"{name}: there is nothing to start."
    elif reply["ready"]:
        same = all(result["outcome"] == "unchanged" for result in results)
        head = f"{name} is up{', nothing had to be done' if same else f' {took}'}."
    elif left and not bad:
        names = ", ".join(inline(result["name"]) for result in left)
        head = f"{name} runs, but {names} is not as the file says {took}."
    else:
        head = f"{name} is not up {took}: {_summary(bad)}."
    told = [head, *aligned([_STARTED, *map(_started, results)])] if results else [head]
    told += [_trouble(result) for result in (*bad, *left)]
    if reply["removed"]:
        names = ", ".join(map(inline, reply["removed"]))
        told.append(f"No longer in the file, and left alone: {names}. start_project(remove=true) ends that.")
    if bad:
        told.append("Mend the cause, or give it more time; start_project again goes on from here.")
    return "\n".join(told)


def _is_left_alone(result: ProcessResult) -> bool:
    return result["outcome"] == "unchanged" and result["hint"] is not None


def _summary(bad: Sequence[ProcessResult]) -> str:
    texts = []
    for outcome, words in (("failed", "failed"), ("not_started", "not started")):
        names = [inline(result["name"]) for result in bad if result["outcome"] == outcome]
        if names:
            texts.append(f"{', '.join(names)} {words}")
    return "; ".join(texts) or "not everything is ready"


def _started(result: ProcessResult) -> tuple[str, ...]:
    info = result["process"]
    outcome = result["outcome"].replace("_", " ")
    why = f": {inline(result['reason'] or '', _MOST_REASON)}" if _is_told(result) else ""
    urls = listening(info["ports"]) if info is not None and info["state"] in LIVE else ""
    return inline(result["name"]), f"{outcome}{why}", _ready(result), urls or "-"


def _is_told(result: ProcessResult) -> bool:
    """Whether its reason says more than what it is ready by, and is not told below the table."""
    if _is_left_alone(result):
        return False
    info = result["process"]
    by = info["ready_by"] if info is not None else None
    return result["outcome"] in ("restarted", "unchanged") and result["reason"] not in (None, "", by)


def _ready(result: ProcessResult) -> str:
    info = result["process"]
    if info is None or result["outcome"] == "not_started":
        return "-"
    if result["ready"] is None:
        return state_words(info)
    if not result["ready"]:
        return "no"
    seconds = info["ready_seconds"]
    return f"yes, {after(seconds)}" if seconds is not None else "yes"


def _trouble(result: ProcessResult) -> str:
    why = inline(result["reason"] or "", _MOST_REASON)
    if result["outcome"] == "not_started":
        names = ", ".join(map(inline, result["waited_for"]))
        return f"{inline(result['name'])}: {why or f'waits for {names}'}."
    hint = inline(result["hint"] or "", _MOST_REASON)
    return f"{inline(result['name'])}: {why}.{f' {hint[:1].upper()}{hint[1:]}.' if hint else ''}"


def stop_text(reply: StopProjectReply) -> str:
    """Who was stopped, in which order."""
    name = inline(reply["project"])
    stopped = [inline(result["name"]) for result in reply["results"] if result["outcome"] == "stopped"]
    failed = failed_results(reply["results"])
    told = [f"Stopped {', '.join(stopped)} of {name}."] if stopped else []
    if not stopped and not failed:
        return f"Nothing of {name} was running."
    return " ".join([*told, *map(_trouble, failed)])
