"""``persistproc service``: have the daemon, and the bridge, run from login on."""

from __future__ import annotations

import os

from ..arguments import Arguments, Command, Option, UsageError
from ..oneline import one_line
from ..output import note, print_document, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context
    from ..service.files import Change
    from ..service.install import Outcome
    from ..service.manager import Manager
    from ..service.running import Ran
    from ..service.status import ServiceStatus

__all__ = ["COMMAND"]

_ACTIONS = {
    "install": ("--bridge", "--linger", "--print", "--force"),
    "uninstall": ("--bridge", "--print", "--force"),
    "status": (),
}
_DONE = {"added": "wrote", "changed": "changed", "same": "already there:"}
_NO_SERVICE = 1


def _run(context: Context, arguments: Arguments) -> int:
    action = arguments.words[0]
    if action not in _ACTIONS:
        raise UsageError(f"service has no action {action!r}", hint="install, uninstall or status")
    for option in COMMAND.options:
        if arguments.flag(option.names[0]) and option.names[0] not in _ACTIONS[action]:
            raise UsageError(f"service {action} takes no {option.names[0]}")
    if action == "status":
        return _status(context)
    return _install(context, arguments) if action == "install" else _uninstall(context, arguments)


def _install(context: Context, arguments: Arguments) -> int:
    from ..service.found import manager_of_this_machine
    from ..service.install import install, notes, planned
    from ..service.running import run

    home, manager = context.home(), manager_of_this_machine()
    home.check()
    changes = planned(manager, home, bridge=arguments.flag("--bridge"), force=arguments.flag("--force"))
    linger = manager.linger_commands() if arguments.flag("--linger") else []
    if arguments.flag("--print"):
        return _preview(context, manager, changes, linger)
    if not context.json:
        for change in changes:
            _tell_change(change)
    outcome = install(manager, home, changes)
    outcome.ran += map(run, linger)
    told = notes(manager, outcome, linger=arguments.flag("--linger"))
    if context.json:
        files = [_file(change) for change in changes]
        print_document({"manager": manager.title, "files": files, **_outcome(outcome), "notes": told})
    else:
        for change in changes:
            say(one_line(f"{_DONE[change.action]} {change.file.path}"))
        _tell_outcome(manager, outcome)
        for text in told:
            note(text)
    return 1 if outcome.absent or any(ran.code for ran in outcome.ran) else 0


def _preview(context: Context, manager: Manager, changes: list[Change], linger: list[list[str]]) -> int:
    states = {change.file.role: manager.state(change.file.role) for change in changes}
    changed = [change.file.role for change in changes if change.action == "changed"]
    commands = [*manager.start_commands(changed, states), *linger]
    if context.json:
        files = [{**_file(change), "text": change.file.text} for change in changes]
        print_document({"manager": manager.title, "files": files, "commands": _typed(commands)})
        return 0
    for change in changes:
        would = {"added": "would write", "changed": "would change", "same": "would leave"}[change.action]
        say(one_line(f"# {would} {change.file.path}"))
        for line in change.difference or change.file.text.splitlines():
            say(one_line(line))
    _say_commands("# and would run", commands)
    return 0


def _say_commands(head: str, commands: list[list[str]]) -> None:
    say(head)
    for text in _typed(commands):
        say(one_line(text))


def _typed(commands: list[list[str]]) -> list[str]:
    from ..service.running import typed

    return [typed(argv) for argv in commands]


def _tell_change(change: Change) -> None:
    # Told before anything is written: what stood there is lost then.
    for line in change.difference:
        say(one_line(line))


def _tell_outcome(manager: Manager, outcome: Outcome) -> None:
    from ..service.manager import BY_HAND

    for ran in outcome.ran:
        if not ran.code:
            say(one_line(f"ran: {ran.text}"))
            continue
        sudo = f"; try: sudo {ran.text}" if os.geteuid() and not outcome.absent else ""
        note(f"{ran.text} failed: {ran.problem}{sudo}")
    if outcome.absent:
        note(
            f"no {manager.title} of yours answers ({outcome.absent}): {BY_HAND}; "
            f"or, where a login starts {manager.title}, after that: {' && '.join(_typed(outcome.to_run))}"
        )


def _file(change: Change) -> dict[str, object]:
    file = change.file
    facts: dict[str, object] = {"role": file.role, "name": file.name, "path": file.path, "action": change.action}
    return {**facts, "difference": change.difference}


def _outcome(outcome: Outcome) -> dict[str, object]:
    return {
        "commands": [_command(ran) for ran in outcome.ran],
        "to_run": _typed(outcome.to_run),
        "problem": outcome.absent,
    }


def _command(ran: Ran) -> dict[str, object]:
    return {"command": ran.text, "exit_code": ran.code, "problem": ran.problem}


def _uninstall(context: Context, arguments: Arguments) -> int:
    from ..service.found import manager_of_this_machine
    from ..service.install import uninstall
    from ..service.manager import ROLES

    manager = manager_of_this_machine()
    # The bridge first: it would start a daemon when it finds none.
    roles = ["bridge"] if arguments.flag("--bridge") else list(reversed(ROLES))
    removed, outcome = uninstall(
        manager, context.home(), roles, force=arguments.flag("--force"), write=not arguments.flag("--print")
    )
    if context.json:
        print_document({"manager": manager.title, "removed": [file.path for file in removed], **_outcome(outcome)})
        return 0
    if not removed:
        say("no service of persistproc is installed")
        return 0
    if arguments.flag("--print"):
        for file in removed:
            say(one_line(f"# would remove {file.path}"))
        _say_commands("# and would run", outcome.to_run)
        return 0
    for file in removed:
        say(one_line(f"removed {file.path}"))
    _tell_outcome(manager, outcome)
    say("processes go on; the next persistproc command that needs a daemon starts one")
    return 0


def _status(context: Context) -> int:
    from ..service.found import manager_of_this_machine
    from ..service.manager import BY_HAND
    from ..service.status import autostarted, daemon_pid, statuses

    home, manager = context.home(), manager_of_this_machine()
    found = statuses(manager, home)
    daemon, autostart, linger = daemon_pid(home), autostarted(context), manager.lingers()
    code = 0 if found[0].serves(daemon) else _NO_SERVICE
    if context.json:
        print_document(
            {
                "manager": manager.title,
                "services": [status.document() for status in found],
                "linger": linger,
                "daemon_pid": daemon,
                "autostart": autostart,
            }
        )
        return code
    for status in found:
        say(f"{status.role:<9}  {one_line(_words(status))}")
    if linger is not None:
        say(f"linger     {'on: from boot on, and after logout' if linger else 'off: from login to logout'}")
    absent = manager.absent() if found[0].installed else ""
    if absent:
        say(one_line(f"manager    no {manager.title} of yours answers: {BY_HAND}"))
    elif found[0].installed and daemon is not None and daemon != found[0].pid:
        say(f"outside    the daemon (pid {daemon}) is not the service's; to put it there: {manager.restart_text}")
    if autostart is None:
        say("autostart  cannot be told: no daemon runs")
    else:
        say(f"autostart  {', '.join(map(one_line, autostart)) or 'no process; persistproc set NAME --autostart'}")
    return code


def _words(status: ServiceStatus) -> str:
    if not status.installed:
        option = " --bridge" if status.role == "bridge" else ""
        return f"not installed; to have it at login: persistproc service install{option}"
    whose = "" if status.for_this_home else ", for another home" if status.ours else ", not written by persistproc"
    enabled = "starts at login" if status.enabled else "does not start at login"
    active = f"runs (pid {status.pid})" if status.active else "does not run"
    problem = f": {status.problem}" if status.problem else ""
    return f"{status.path}{whose}, {enabled}, {active}{problem}"


COMMAND = Command(
    "service",
    "install | uninstall | status",
    "Have the daemon, and the bridge, run from login on: a unit of systemd, an agent of launchd.",
    _run,
    options=(
        Option("--bridge", help="install: also the bridge, as it serves now; uninstall: the bridge alone"),
        Option("--linger", help="install: from boot on, and after logout (loginctl enable-linger)"),
        Option("--print", help="only show what would be written, removed and run"),
        Option("--force", help="replace or remove a file that persistproc did not write, or that is for another home"),
    ),
    words=(1, 1),
    examples=(
        "persistproc service install --print",
        "persistproc service install --bridge --linger",
        "persistproc service status",
        "persistproc service uninstall",
    ),
    notes=(
        "A daemon that runs already is replaced by that of the service; processes are never touched. What comes back\n"
        "by itself after a restart of the machine was started with --autostart, or: persistproc set NAME --autostart.\n"
        "status ends with 0 when the daemon is one: installed for this home, and run by its service; else with 1."
    ),
)
