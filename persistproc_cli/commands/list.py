"""``persistproc list``: what runs and what ran."""

from __future__ import annotations

from ..arguments import Arguments, Command, Option
from ..output import note, print_document, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    all_projects = arguments.flag("--all") or context.directory is None
    with context.connect() as client:
        reply = client.list_processes(all_projects=all_projects, running=arguments.flag("--running"))
    if context.json:
        print_document(reply)
        return 0
    if not reply["processes"]:
        note(_nothing(all_projects, arguments.flag("--running")))
        return 0
    from ..render import process_table

    say(process_table(reply["processes"], all_projects=all_projects))
    return 0


def _nothing(all_projects: bool, running: bool) -> str:
    what = "nothing runs" if running else "no processes yet"
    if all_projects:
        return f"{what}; start one with: persistproc COMMAND (for example: persistproc npm run dev)"
    return f"{what} in this project; start one with: persistproc COMMAND (every project: persistproc list --all)"


COMMAND = Command(
    "list",
    "[--all] [--running]",
    "List the processes of this project, live and ended.",
    _run,
    options=(
        Option("--all", "-a", help="those of every project"),
        Option("--running", "-r", help="only live ones"),
    ),
    examples=("persistproc list", "persistproc ls --all", "persistproc list --json"),
    notes=(
        "States: starting, running, stopping; then stopped (somebody asked for it), exited 0, failed N (exit code),\n"
        "killed SIGNAL, or lost (nobody knows how it ended). 'N left': processes that outlived the first one."
    ),
)
