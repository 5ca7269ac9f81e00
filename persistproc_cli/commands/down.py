"""``persistproc down``: stop the processes of the project's file."""

from __future__ import annotations

from ..arguments import Arguments, Command, Option, UsageError
from ..interrupts import Interrupted, Interrupts
from ..output import note, print_document
from ..project.rows import Rows, running_row
from ..project.shown import shown
from ..project.telling import exit_code, tell_down
from ..targets import REASON_OPTION, STOP_OPTIONS, take_deed, take_stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import StopProjectParams

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    params = _params(arguments)
    with context.connect() as client:
        rows = _rows(client, arguments)
        interrupts = Interrupts()
        try:
            reply = shown(context, client, rows, lambda: client.stop_project(**params), interrupts)
        except Interrupted as interrupted:
            note("left; what had begun to stop goes on stopping, see: persistproc list")
            return 128 + interrupted.number
    if context.json:
        print_document(reply)
    else:
        tell_down(reply)
    return exit_code(reply["results"])


def _rows(client: Client, arguments: Arguments) -> Rows:
    """What is likely to be stopped; the reply has the last word."""
    live = client.list_processes(running=True)["processes"]
    if arguments.words:
        names = set(arguments.words)
        live = [info for info in live if info["name"] in names or not names.isdisjoint(info["tags"])]
    elif not arguments.flag("--all"):
        live = [info for info in live if info["defined"]]
    return Rows([running_row(info) for info in live], live[0]["project_directory"] if live else "")


def _params(arguments: Arguments) -> StopProjectParams:
    if arguments.words and arguments.flag("--all"):
        raise UsageError("--all takes no names")
    params: StopProjectParams = {}
    take_stop(params, arguments)
    take_deed(params, arguments)
    if arguments.words:
        params["names"] = arguments.words
    if arguments.flag("--all"):
        params["all"] = True
    return params


COMMAND = Command(
    "down",
    "[NAME | TAG ...] [--all]",
    "Stop the processes of the project's file, each after those that need it; returns when nothing of them is left.",
    _run,
    options=(
        *STOP_OPTIONS,
        Option("--all", "-a", help="every running process of the project, also what is not from the file"),
        REASON_OPTION,
    ),
    words=(0, None),
    examples=("persistproc down", "persistproc down web", "persistproc down --all --grace 30"),
    notes=(
        "Without names: all that was started from the file, also what is no longer in it.\n"
        "They are stopped, not forgotten: their output stays, and persistproc up starts them again."
    ),
)
