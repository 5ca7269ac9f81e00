"""``persistproc prune``: make room, and clean up what was left behind."""

from __future__ import annotations

import sys
import time

from persistproc_core.errors import StopTimedOut, StorageFailed

from ..arguments import Arguments, Command, Option, UsageError
from ..confirming import confirmed, need_terminal
from ..oneline import one_line
from ..output import note, print_document, say
from ..render import memory
from ..words import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import PrunedProcess, PruneProcessesParams, PruneReply

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
    stale, unused_for = arguments.flag("--stale"), arguments.text("--unused-for")
    if unused_for is not None and not stale:
        raise UsageError("--unused-for says what is stale: give --stale as well")
    if arguments.flag("--yes") and not stale:
        raise UsageError("--yes answers what --stale asks: give --stale as well")
    if stale:
        params["stale"] = True
        if unused_for is not None:
            params["unused_for"] = unused_for
    asks = stale and not arguments.flag("--yes") and not params["dry_run"]
    if asks:
        need_terminal("prune --stale stops processes", hint="pass --yes; --dry-run only tells")
    with context.connect() as client:
        if asks and not _agreed(client, params):
            note("nothing was stopped or removed")
            return 1
        try:
            reply = client.prune_processes(**params)
        except (StopTimedOut, StorageFailed) as error:
            # With --json the document of the error has it.
            if not context.json:
                done: PruneReply = {"processes": [], "bytes": 0, **error.data}  # type: ignore[typeddict-item]
                _tell(done, dry_run=False)
            raise
    if context.json:
        print_document(reply)
        return 0
    _tell(reply, params["dry_run"])
    if not reply["processes"]:
        note(f"nothing to remove{'' if everywhere else ' in this project (every project: --all)'}")
    return 0


def _tell(reply: PruneReply, dry_run: bool) -> None:
    for process in reply["processes"]:
        say(_describe(process, dry_run))
    if reply["processes"]:
        say(f"{memory(reply['bytes'])} {'would be freed' if dry_run else 'freed'}")


def _agreed(client: Client, params: PruneProcessesParams) -> bool:
    """Show what would be stopped, and ask, also about what has ended; where there is neither, there is nothing to ask.

    Without live ones that look left behind nothing is stopped, and plain pruning is what is asked about.
    """
    began = time.monotonic()
    unused_for, everywhere = params.get("unused_for", "1h"), params.get("all_projects", False)
    listed = client.list_processes(all_projects=everywhere, stale=True, unused_for=unused_for)["processes"]
    if not listed:
        # What looks left behind a moment later was not asked about.
        params.pop("stale")
        params.pop("unused_for", None)
    dry: PruneProcessesParams = {**params, "dry_run": True}
    pruned = client.prune_processes(**dry)["processes"]
    ended = sum(process["runs"] for process in pruned if not process["stopped"])
    forget = f"forget {counted(ended, 'ended run')}"
    if not listed:
        return not ended or confirmed(f"nothing looks left behind; {forget}?")
    from ..stale import stale_table

    # Where the question is, and not in the document or the file that standard output may be.
    sys.stderr.write(stale_table(listed, all_projects=everywhere) + "\n")
    stop = f"stop and forget {'it' if len(listed) == 1 else f'these {len(listed)}'}"
    agreed = confirmed(f"{stop}, and {forget} of others?" if ended else f"{stop}?")
    # What has become stale only while we asked was not agreed to.
    params["unused_for"] = f"{unused_for} {time.monotonic() - began:.3f}s"
    return agreed


def _describe(process: PrunedProcess, dry_run: bool) -> str:
    name = f"{one_line(process['project'])}/{one_line(process['name'])}"
    what = f"{counted(process['runs'], 'run')} {'would be removed' if dry_run else 'removed'}"
    kept = "" if process["removed"] else ", the others are kept"
    stopped = ("would be stopped, " if dry_run else "stopped, ") if process.get("stopped") else ""
    return f"{name}: {stopped}{what}, {memory(process['bytes'])}{kept}"


COMMAND = Command(
    "prune",
    "[--stale [--unused-for AGE] [--yes]] [--older-than AGE] [--keep-runs N] [--all] [--dry-run]",
    "Forget ended processes and old runs of this project, and delete their output.",
    _run,
    options=(
        Option("--older-than", value="AGE", help="only what ended before this age (12h, 7d) or time"),
        Option("--keep-runs", value="N", help="keep so many runs of each process, also of those that run"),
        Option("--all", "-a", help="in every project"),
        Option(
            "--stale",
            help="also stop and forget live ones that look left behind (see: list --stale); asks first, about all",
        ),
        Option("--unused-for", value="AGE", help="with --stale: for how long nobody used them (30m, 2d; default 1h)"),
        Option("--yes", "-y", help="with --stale: do not ask; needed where there is no terminal"),
        Option("--dry-run", "-n", help="only say what would be stopped and removed"),
    ),
    examples=(
        "persistproc prune --dry-run",
        "persistproc prune --older-than 7d --all",
        "persistproc prune --keep-runs 1",
        "persistproc prune --stale --unused-for 1d",
    ),
    notes=(
        "Without --stale nothing that runs is touched, and its earlier runs only with --keep-runs. That does not ask;\n"
        "--dry-run tells beforehand. --stale spares what is protected, what has autostart, and what somebody is\n"
        "connected to. Old output is deleted by itself as well, see: persistproc daemon status."
    ),
)
