"""Verbs that act on several processes: all at the same time, so that one slow stop does not hold up the next."""

from __future__ import annotations

from persistproc_core.errors import PersistprocError, ProcessProtected

from .arguments import Arguments, Option, UsageError
from .output import note, print_document, report_error, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeVar

    from typing_extensions import TypedDict

    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import ActParams, StopOptions

    from .adopted import Consent
    from .context import Context

    Reply = TypeVar("Reply", bound=Mapping[str, object])

    class Deed(TypedDict, total=False):
        """What everything that changes processes takes."""

        reason: str
        force: bool


__all__ = [
    "ALL_OPTION",
    "FORCE_OPTION",
    "REASON_OPTION",
    "STOP_OPTIONS",
    "act",
    "act_params",
    "take_deed",
    "take_stop",
    "targets",
]

ALL_OPTION = Option("--all", "-a", help="all running processes of this project")
REASON_OPTION = Option("--reason", value="TEXT", help="why, in words; shown to everybody")
FORCE_OPTION = Option("--force", "-f", help="also when somebody else protected it; that needs --reason")
STOP_OPTIONS = (
    Option("--signal", "-s", value="SIGNAL", help="the first signal (default TERM)"),
    Option("--grace", value="SECONDS", help="how long until SIGKILL (default 10)"),
    Option("--force", "-f", help="SIGKILL at once, but for --grace; also when somebody else protected it (--reason)"),
)


def take_stop(params: StopOptions, arguments: Arguments) -> None:
    """Add how a run is ended. Raises `UsageError`."""
    signal, grace = arguments.text("--signal"), arguments.number("--grace")
    if signal is not None:
        params["signal"] = signal
    if grace is not None:
        params["grace_seconds"] = grace


def act_params(process: str, arguments: Arguments) -> ActParams:
    """The parameters that every verb which changes a process has."""
    params: ActParams = {"process": process}
    take_deed(params, arguments)
    return params


def take_deed(params: Deed, arguments: Arguments) -> None:
    """Add why, and whether also what somebody else protected is meant."""
    reason = arguments.text("--reason")
    if reason is not None:
        params["reason"] = reason
    if arguments.flag("--force"):
        params["force"] = True


def targets(context: Context, client: Client, arguments: Arguments) -> list[str]:
    """The processes that were named, or all running ones of the project with ``--all``."""
    if not arguments.flag("--all"):
        if not arguments.words:
            raise UsageError("which process?", hint="give its name, or --all; see: persistproc list")
        return arguments.words
    if arguments.words:
        raise UsageError("--all takes no names")
    reply = client.list_processes(running=True)
    return [process["name"] for process in reply["processes"]]


def act(
    context: Context,
    names: Sequence[str],
    action: Callable[[str], Reply],
    describe: Callable[[Reply], str],
    consent: Consent | None = None,
) -> int:
    """Do something with each process, and tell of each in the order of the names.

    ``consent``: asked about those that it was refused for, which are then tried once more.

    The JSON document is ``{"processes": [reply, ...]}`` of those that it was done with; there is none when it failed
    with each. The exit code is that of the first failure.
    """
    outcomes = _all_at_once(names, action)
    if consent is not None:
        outcomes = [_after_question(*each, action, consent) for each in zip(names, outcomes, strict=True)]
    code = 0
    replies: list[Reply] = []
    for outcome in outcomes:
        if isinstance(outcome, PersistprocError):
            from .never_started import with_hint

            report_error(with_hint(outcome, context.directory), context.json)
            code = code or outcome.exit_code
            continue
        replies.append(outcome)
        if not context.json:
            say(describe(outcome))
    if context.json:
        if replies or not code:
            print_document({"processes": replies})
    elif not names:
        note("nothing runs in this project")
    return code


def _after_question(
    name: str, outcome: Reply | PersistprocError, action: Callable[[str], Reply], consent: Consent
) -> Reply | PersistprocError:
    # One after another: two questions at a time could not be answered.
    if not isinstance(outcome, ProcessProtected) or not consent.is_given(name, outcome):
        return outcome
    try:
        return action(name)
    except PersistprocError as error:
        return error


def _all_at_once(names: Sequence[str], action: Callable[[str], Reply]) -> list[Reply | PersistprocError]:
    def attempt(name: str) -> Reply | PersistprocError:
        try:
            return action(name)
        except PersistprocError as error:
            return error

    if len(names) < 2:
        return [attempt(name) for name in names]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=min(len(names), 32)) as pool:
        return list(pool.map(attempt, names))
