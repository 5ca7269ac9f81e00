"""What is told when a call fails: what went wrong, what is true now, what to do next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import cast

from persistproc_core.errors import (
    AmbiguousProcess,
    DaemonUnavailable,
    InputNotRead,
    NameTaken,
    NotRestartable,
    NotRunning,
    PersistprocError,
    PortTaken,
    ProcessNotFound,
    ProcessProtected,
    ProjectInvalid,
    ProjectNotApproved,
    ProjectNotFound,
    StartFailed,
)
from persistproc_core.protocol import ClientInfo, Holder, ListProcessesParams, TargetParams

from .calling import asked, common, directory
from .holders import holder_words
from .output import tail
from .text.people import because, who
from .text.processes import LIVE, address, mend, past, state_words
from .text.safe import inline, quoted, short_path
from .text.times import ago
from .tool import Answer, Call

__all__ = ["failure", "plain"]

_MOST_NAMES = 10
_LAST_LINES = 10


async def failure(call: Call, error: PersistprocError) -> Answer:
    """The answer for an error. Asking what is true now may fail as well; then what is known is told."""
    for cls, words in _WORDS.items():
        if isinstance(error, cls):
            try:
                return Answer(await words(call, error), failed=True)
            except PersistprocError:
                break
    return Answer(plain(error), failed=True)


def plain(error: PersistprocError) -> str:
    """What the daemon says, in sentences."""
    return f"{_sentence(error.message)}{f' {_advice(error.hint)}' if error.hint else ''}"


def _sentence(text: str) -> str:
    words = inline(text, 600)
    return words if words.endswith((".", "?", "!")) else f"{words}."


def _advice(hint: str) -> str:
    # A message may begin with a name, which stays as it is; a hint begins with a word.
    words = _sentence(hint)
    return words[:1].upper() + words[1:]


async def _not_found(call: Call, error: PersistprocError) -> str:
    if not isinstance(call.arguments.get("process"), str) or "candidates" not in error.data:
        return plain(error)
    told = [f"No process {quoted(str(call.arguments['process']), 60)}."]
    candidates = error.data["candidates"]
    if isinstance(candidates, list) and candidates:
        told.append(f"Did you mean {' or '.join(inline(str(name)) for name in candidates[:3])}?")
    told.append(await _names(call))
    return " ".join(told)


async def _names(call: Call) -> str:
    """What there is to choose from."""
    params = cast("ListProcessesParams", common(call))
    listed = (await call.hub.client.list_processes(**params))["processes"]
    where = directory(call)
    if not listed:
        here = f" in the project of {short_path(where)}" if where is not None else ""
        return f"There is none{here}; list_processes(all_projects=true) shows all."
    # Where not all fit, those that run are the ones to know of.
    first = sorted(listed, key=lambda info: info["state"] not in LIVE)[:_MOST_NAMES]
    names = [f"{address(info, where)} {state_words(info)}" for info in first]
    more = len(listed) - len(names)
    return f"There {'is' if len(listed) == 1 else 'are'}: {', '.join(names)}{f' and {more} more' if more > 0 else ''}."


async def _ambiguous(call: Call, error: PersistprocError) -> str:
    candidates = error.data.get("candidates")
    found = [each for each in candidates if isinstance(each, Mapping)] if isinstance(candidates, list) else []
    names = [f"{inline(str(each.get('process')), 500)} (pid {each.get('pid')})" for each in found[:_MOST_NAMES]]
    process = quoted(str(call.arguments.get("process", "")), 60)
    return f"{process} fits {len(found)} processes; give one of these as process: {', '.join(names)}."


async def _name_taken(call: Call, error: PersistprocError) -> str:
    running = quoted(str(error.data.get("running", "")))
    return (
        f"{inline(str(error.data.get('name', '')))} already runs another command (pid {error.data.get('pid')}): "
        f"{running}. Nothing was started. Take another name, or replace=true to stop that one and start yours."
    )


async def _protected(call: Call, error: PersistprocError) -> str:
    process = inline(str(call.arguments.get("process", call.arguments.get("name", "the process"))), 60)
    if error.data.get("adopted"):
        leave, why = "Leave it", "was not started by persistproc but adopted: somebody may be using it"
    else:
        leave, why = "Leave it as it is", _protection(call, error)
    told = f"{process} {why}. Nothing was done."
    if call.arguments.get("force"):
        return f"{told} force needs a reason, which everybody is shown: give reason as well."
    return f"{told} {leave}, or ask the user; only if it must be: force=true with a reason."


def _protection(call: Call, error: PersistprocError) -> str:
    """Who protects it, since when and why."""
    owner = error.data.get("protected_by")
    by = who(cast("ClientInfo", owner), call.caller) if isinstance(owner, dict) else "somebody else"
    since, reason = error.data.get("protected_at"), error.data.get("reason")
    when = f" {ago(since)}" if isinstance(since, str) else ""
    return f"was protected by {by}{when}{because(reason) if isinstance(reason, str) else ''}"


async def _start_failed(call: Call, error: PersistprocError) -> str:
    # The hint would tell where was searched: the value of PATH.
    found = "search_path" in error.data
    hint = "Check the spelling, or give its whole path: the daemon's PATH may differ from yours." if found else ""
    return f"{_sentence(error.message)} {hint or _advice(error.hint)} Nothing was started."


async def _port_taken(call: Call, error: PersistprocError) -> str:
    holder = error.data.get("holder")
    ours = isinstance(holder, Mapping) and holder.get("kind") == "process"
    # The daemon names commands of the terminal for what can be done.
    told = inline(error.message.partition("; nothing was started")[0], 500)
    if ours:
        told = f"port {error.data.get('port')} is taken: {holder_words(call, cast('Holder', holder))} listens on it"
    use = "Use that one, stop it first" if ours else "Ask the user to end it"
    other = "start yours with port=0, a free one" if "port" in call.arguments else "define another port for yours"
    return f"{told[:1].upper()}{told[1:]}. Nothing was started. {use}, or {other}."


async def _not_approved(call: Call, error: PersistprocError) -> str:
    where = short_path(str(error.data.get("project_directory") or directory(call) or ""))
    return (
        f"{_sentence(error.message)} It is code, so a person looks at it first: ask the user to run `persistproc up` "
        f"in a terminal in {where}, which shows what would run and asks. Do not do that yourself."
    )


async def _project_invalid(call: Call, error: PersistprocError) -> str:
    problems = error.data.get("problems")
    found = [each for each in problems if isinstance(each, Mapping)] if isinstance(problems, list) else []
    told = [_sentence(error.message)]
    if len(found) > 1:
        more = len(found) - _MOST_NAMES
        told += [f"Line {each.get('line')}: {_sentence(str(each.get('text', '')))}" for each in found[:_MOST_NAMES]]
        told += [f"And {more} more."] if more > 0 else []
    hint = f" {_advice(error.hint)}" if error.hint else ""
    return f"{' '.join(told)}{hint} Nothing was done."


async def _no_project(call: Call, error: PersistprocError) -> str:
    where = directory(call)
    here = f" of {short_path(where)}" if where is not None else ""
    return (
        f"The project{here} has no file that defines its processes (persistproc.toml, [tool.persistproc] in "
        "pyproject.toml, Procfile). start_process starts a single command; the user can have a file written with "
        "`persistproc init`."
    )


async def _not_running(call: Call, error: PersistprocError) -> str:
    status = await call.hub.client.get_process_status(**cast("TargetParams", asked(call)))
    name = address(status, directory(call))
    if status["state"] in LIVE:
        return f"{name} is {state_words(status)}, but nobody reads its input any more: only a new run would."
    end = await tail(call, status, _LAST_LINES)
    told = f"{name} is not running: {past(status, call.caller)}."
    return f"{told} {mend(status, name)}{end.text}"


async def _not_restartable(call: Call, error: PersistprocError) -> str:
    return f"{_sentence(error.message)} Start its program again where it ran, or with start_process."


async def _input_not_read(call: Call, error: PersistprocError) -> str:
    process = inline(str(call.arguments.get("process", "the process")), 60)
    return (
        f"{process} does not read its input now, and its buffer is full: {error.data.get('written', 0)} bytes were "
        "written. See get_process_output for what it does, and send the rest when it asks for input."
    )


async def _unavailable(call: Call, error: PersistprocError) -> str:
    hint = error.hint.replace("persistproc list", "list_processes")
    return f"{_sentence(error.message)} {_advice(hint)}" if hint else _sentence(error.message)


_WORDS: dict[type[PersistprocError], Callable[[Call, PersistprocError], Awaitable[str]]] = {
    ProcessNotFound: _not_found,
    AmbiguousProcess: _ambiguous,
    NameTaken: _name_taken,
    ProcessProtected: _protected,
    PortTaken: _port_taken,
    ProjectInvalid: _project_invalid,
    ProjectNotApproved: _not_approved,
    ProjectNotFound: _no_project,
    StartFailed: _start_failed,
    NotRunning: _not_running,
    NotRestartable: _not_restartable,
    InputNotRead: _input_not_read,
    DaemonUnavailable: _unavailable,
}
