"""``persistproc list``: what runs and what ran."""

from __future__ import annotations

from ..arguments import Arguments, Command, Option, UsageError
from ..oneline import one_line
from ..output import note, print_document, say, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import ListProcessesParams, ProcessInfo

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    all_projects = arguments.flag("--all") or context.directory is None
    if arguments.flag("--stale"):
        return _list_stale(context, arguments, all_projects)
    if arguments.text("--unused-for") is not None:
        raise UsageError("--unused-for says what is stale: give --stale as well")
    with context.connect() as client:
        reply = client.list_processes(all_projects=all_projects, running=arguments.flag("--running"))
    if context.json:
        print_document(reply)
        return 0
    if not reply["processes"]:
        note(_nothing(all_projects, arguments.flag("--running")))
        return 0
    from ..deeds import deeds
    from ..render import process_table, waits_for_input

    say(process_table(reply["processes"], all_projects=all_projects))
    for process in reply["processes"]:
        told = deeds(process)
        if told:
            note(f"{_called(process)}: {'; '.join(told)}")
    for process in filter(waits_for_input, reply["processes"]):
        _tell_question(process)
    return 0


def _list_stale(context: Context, arguments: Arguments, all_projects: bool) -> int:
    params: ListProcessesParams = {"all_projects": all_projects, "stale": True}
    unused_for = arguments.text("--unused-for")
    if unused_for is not None:
        params["unused_for"] = unused_for
    with context.connect() as client:
        reply = client.list_processes(**params)
    if context.json:
        print_document(reply)
        return 0
    if not reply["processes"]:
        where = "" if all_projects else " in this project (every project: --all)"
        note(f"nothing looks left behind{where}")
        return 0
    from ..stale import stale_table

    say(stale_table(reply["processes"], all_projects=all_projects))
    note(f"to stop and forget them: {_prune(arguments)}; to keep one: persistproc protect NAME")
    return 0


def _prune(arguments: Arguments) -> str:
    """What stops and forgets these, and no others."""
    import shlex

    unused_for = arguments.text("--unused-for")
    words = ["persistproc", "prune", "--stale", *(["--all"] if arguments.flag("--all") else [])]
    return shlex.join([*words, *(["--unused-for", unused_for] if unused_for is not None else [])])


def _tell_question(process: ProcessInfo) -> None:
    from ..words import how_to_answer

    name = _called(process)
    note(f"{name} waits for input: {shortened(process['waiting_for_input'] or '')}")
    note(how_to_answer(name))


def _called(process: ProcessInfo) -> str:
    from ..words import address

    return one_line(address(process))


def _nothing(all_projects: bool, running: bool) -> str:
    what = "nothing runs" if running else "no processes yet"
    if all_projects:
        return f"{what}; start one with: persistproc COMMAND (for example: persistproc npm run dev)"
    return f"{what} in this project; start one with: persistproc COMMAND (every project: persistproc list --all)"


COMMAND = Command(
    "list",
    "[--all] [--running] [--stale [--unused-for AGE]]",
    "List the processes of this project, live and ended.",
    _run,
    options=(
        Option("--all", "-a", help="those of every project"),
        Option("--running", "-r", help="only live ones"),
        Option("--stale", help="only live ones that look left behind, and why"),
        Option("--unused-for", value="AGE", help="with --stale: for how long nobody used them (30m, 2d; default 1h)"),
    ),
    examples=("persistproc list", "persistproc ls --all", "persistproc list --stale --all", "persistproc list --json"),
    notes=(
        "States: starting, running, waiting for input, stopping; then stopped (somebody asked for it), exited 0,\n"
        "failed N (exit code), killed SIGNAL, or lost (nobody knows how it ended).\n"
        "restarting in 4s (2/5): it ended, and its restart policy starts it again then; given up: it tried in vain.\n"
        "'N left': processes that outlived the first one.\n"
        "Below it stands what agents did in the last ten minutes, and why, and who protects what."
        "\nPID is - for what has ended: the number may be another process's by now."
    ),
)
