"""``persistproc up``: bring the processes of the project's file up."""

from __future__ import annotations

import os

from persistproc_core.errors import ProjectNotApproved

from ..arguments import Arguments, Command, Option, UsageError
from ..confirming import confirmed
from ..durations import seconds_in
from ..interrupts import Interrupted, Interrupts
from ..oneline import one_line
from ..output import note, print_document
from ..project.allowing import allowed
from ..project.chosen import chosen
from ..project.rows import Rows, begun_row
from ..project.shown import shown
from ..project.telling import exit_code, tell_up
from ..targets import FORCE_OPTION, REASON_OPTION, take_deed
from ..terminal import can_ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import ProjectReply, StartProjectParams, StartProjectReply

    from ..context import Context

__all__ = ["COMMAND"]

_MOST_ASKED = 5


def _run(context: Context, arguments: Arguments) -> int:
    if arguments.flag("--wait") and arguments.flag("--no-wait"):
        raise UsageError("--wait and --no-wait: wait until all are ready, or not?")
    params = _params(arguments)
    with context.connect() as client:
        project = _project(client, arguments.words)
        if not allowed(project, yes=arguments.flag("--yes")):
            note("nothing was started")
            return 1
        offered = [] if arguments.words or arguments.flag("--remove") else _to_be_removed(client, project["removed"])
        if _asked_to_remove(offered):
            params["remove"] = True
        interrupts = Interrupts()
        try:
            reply = _bring_up(context, client, arguments, params, project, interrupts)
        except Interrupted as interrupted:
            note("left; what was started runs on, see: persistproc project; to end it: persistproc down")
            return 128 + interrupted.number
        left = [] if reply is None or context.json else _live_ones(client, reply["removed"])
    if reply is None:
        note("nothing was started")
        return 1
    if context.json:
        print_document(reply)
    else:
        # Who has just said no to it is not told of it again.
        left = [name for name in left if name not in offered]
        tell_up(reply, left, waited=params.get("wait", True))
    return exit_code(reply["results"])


def _params(arguments: Arguments) -> StartProjectParams:
    params: StartProjectParams = {"environment": dict(os.environ), "inherit_environment": False}
    take_deed(params, arguments)
    if arguments.words:
        params["names"] = arguments.words
    timeout = seconds_in(arguments, "--timeout")
    if timeout is not None:
        params["timeout_seconds"] = timeout
    if arguments.flag("--no-wait"):
        params["wait"] = False
    if arguments.flag("--restart"):
        params["restart"] = True
    if arguments.flag("--remove"):
        params["remove"] = True
    return params


def _project(client: Client, names: list[str]) -> ProjectReply:
    """All of it, for a file is allowed as a whole."""
    if names:
        client.get_project(names=names)  # so that nobody is asked first and then told that there is no such name
    return client.get_project()


def _bring_up(
    context: Context,
    client: Client,
    arguments: Arguments,
    params: StartProjectParams,
    project: ProjectReply,
    interrupts: Interrupts,
) -> StartProjectReply | None:
    """None: a person was asked again, for the file had changed meanwhile, and said no."""
    for _ in range(_MOST_ASKED):
        # What was shown, and nothing else: the file may be another one by now.
        params["approve"] = project["digest"]
        try:
            return _started(context, client, params, project, interrupts)
        except ProjectNotApproved as error:
            refused = error
        project = _project(client, arguments.words)
        with interrupts:
            if not allowed(project, yes=arguments.flag("--yes")):
                return None
    raise refused


def _started(
    context: Context, client: Client, params: StartProjectParams, project: ProjectReply, interrupts: Interrupts
) -> StartProjectReply:
    processes = chosen(project, params.get("names", ()))
    rows = Rows([begun_row(process) for process in processes], project["project_directory"])
    return shown(context, client, rows, lambda: client.start_project(**params), interrupts)


def _live_ones(client: Client, names: list[str]) -> list[str]:
    """Those of them that run."""
    live = {process["name"] for process in client.list_processes(running=True)["processes"]} if names else set()
    return [name for name in names if name in live]


def _to_be_removed(client: Client, removed: list[str]) -> list[str]:
    """What has left the file, and runs on: where somebody is there, it is offered to end that."""
    return _live_ones(client, removed) if can_ask() else []


def _asked_to_remove(removed: list[str]) -> bool:
    """Offer to end what has left the file; it may hold the ports of what is about to start."""
    if not removed:
        return False
    names = ", ".join(map(one_line, removed))
    one = len(removed) == 1
    return confirmed(
        f"{names} {'is' if one else 'are'} no longer in the file; stop and forget {'it' if one else 'them'}?"
    )


COMMAND = Command(
    "up",
    "[NAME | TAG ...]",
    "Bring the processes of the project's file up, each as soon as what it needs is ready.",
    _run,
    options=(
        Option("--wait", help="return when all are ready, or it is known why not (this is so unless said otherwise)"),
        Option("--no-wait", help="return when all are begun"),
        Option("--timeout", "-t", value="TIME", help="give up waiting after so long (90s, 5m; default 2m)"),
        Option("--restart", help="restart also what runs unchanged"),
        Option("--remove", help="stop and forget what was started from the file and is no longer in it"),
        Option("--yes", "-y", help="allow what the file says to run, without being asked"),
        REASON_OPTION,
        FORCE_OPTION,
    ),
    words=(0, None),
    examples=("persistproc up", "persistproc up api --no-wait", "persistproc up --timeout 5m --json"),
    notes=(
        "What does not run is started, what has changed in the file is restarted, the rest is left alone.\n"
        "The file is persistproc.toml, [tool.persistproc] in pyproject.toml, or a Procfile, at the project's root.\n"
        "With names or tags: these, and all that they need. Without: all but the optional ones.\n"
        "The first time, and whenever the file has changed, it shows what would run and asks.\n"
        "Exit code 0 when all are ready; 1 when one failed or the time was up: its last lines are shown;\n"
        "77 when nobody has allowed the file to run and nobody is there to ask; 78 when the file is wrong.\n"
        "Ctrl-C leaves: what was started runs on, and nothing more is started."
    ),
)
