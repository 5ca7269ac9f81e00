"""``persistproc prune``: make room."""

from __future__ import annotations

from ..arguments import Arguments, Command, Option, UsageError
from ..oneline import one_line
from ..output import note, print_document, say
from ..render import memory
from ..words import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import PrunedProcess, PruneProcessesParams

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    params: PruneProcessesParams = {"dry_run": arguments.flag("--dry-run")}
    older, keep = arguments.text("--older-than"), arguments.integer("--keep-runs")
    if older == "":
        raise UsageError("--older-than needs an age (12h, 7d) or a time")
    if older is not None:
        params["older_than"] = older
    if keep is not None:
        params["keep_runs"] = keep
    everywhere = arguments.flag("--all") or context.directory is None
    if everywhere:
        params["all_projects"] = True
    with context.connect() as client:
        reply = client.prune_processes(**params)
    if context.json:
        print_document(reply)
        return 0
    for process in reply["processes"]:
        say(_describe(process, params["dry_run"]))
    if reply["processes"]:
        would = "would be freed" if params["dry_run"] else "freed"
        say(f"{memory(reply['bytes'])} {would}")
    else:
        note(f"nothing to remove{'' if everywhere else ' in this project (every project: --all)'}")
    return 0


def _describe(process: PrunedProcess, dry_run: bool) -> str:
    name = f"{one_line(process['project'])}/{one_line(process['name'])}"
    what = f"{counted(process['runs'], 'run')} {'would be removed' if dry_run else 'removed'}"
    kept = "" if process["removed"] else ", the others are kept"
    return f"{name}: {what}, {memory(process['bytes'])}{kept}"


COMMAND = Command(
    "prune",
    "[--older-than AGE] [--keep-runs N] [--all] [--dry-run]",
    "Forget ended processes and old runs of this project, and delete their output.",
    _run,
    options=(
        Option("--older-than", value="AGE", help="only what ended before this age (12h, 7d) or time"),
        Option("--keep-runs", value="N", help="keep so many runs of each process, also of those that run"),
        Option("--all", "-a", help="in every project"),
        Option("--dry-run", "-n", help="only say what would be removed"),
    ),
    examples=(
        "persistproc prune --dry-run",
        "persistproc prune --older-than 7d --all",
        "persistproc prune --keep-runs 1",
    ),
    notes=(
        "What runs is never removed, and its earlier runs only with --keep-runs. It does not ask; --dry-run tells\n"
        "beforehand. Old output is deleted by itself as well, see: persistproc daemon status."
    ),
)
