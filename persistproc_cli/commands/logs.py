"""``persistproc logs``: what processes printed."""

from __future__ import annotations

from ..arguments import Arguments, Command, Option, UsageError
from ..output import note
from ..pages import pages
from ..selection import SELECTION_OPTIONS, Selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import GetProcessOutputParams, OutputReply

    from ..context import Context
    from ..lines import JsonLines, LineSink
    from ..sources import Source
    from ..stream import Sinks

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    selection = Selection(arguments)
    raw, follows = arguments.flag("--raw"), arguments.flag("--follow")
    if raw and (arguments.flag("--timestamps") or (follows and selection.by_line)):
        raise UsageError("--raw shows bytes as they come, and bytes have no --timestamps, nor are they lines to follow")
    if arguments.flag("--all") and arguments.words:
        raise UsageError("--all takes no names")
    with context.connect() as client:
        if len(arguments.words) != 1:
            return _several(context, client, arguments, selection)
        if not follows:
            return _one(context, client, arguments, selection)
        if selection.by_line or (arguments.flag("--timestamps") and not context.json):
            return _several(context, client, arguments, selection)
        return _follow_one(context, client, arguments, selection)


def _one(context: Context, client: Client, arguments: Arguments, selection: Selection) -> int:
    """What one process printed so far."""
    sink = _sink_of_one(context, arguments)
    params = _params_of_one(context, arguments, selection)
    for reply in pages(lambda page: client.get_process_output(**page), selection, params):
        sink.show(reply)
    sink.close()
    sink.end_line()
    return 0


def _params_of_one(context: Context, arguments: Arguments, selection: Selection) -> GetProcessOutputParams:
    params = selection.params
    params["process"] = arguments.words[0]
    params["format"] = "raw" if arguments.flag("--raw") else "plain" if context.json else "ansi"
    params["timestamps"] = arguments.flag("--timestamps")
    mark = arguments.text("--mark")
    if mark is not None:
        params["mark"] = mark
    return params


def _sink_of_one(context: Context, arguments: Arguments) -> Sinks | LineSink:
    """Where the replies of one process go: bytes and documents as they are, else line by line."""
    if context.json or arguments.flag("--raw"):
        from ..stream import Sinks

        return Sinks(merged=True, raw=arguments.flag("--raw"), as_json=context.json)
    from ..lines import LineSink

    return LineSink(prefixes=None, timestamps=arguments.flag("--timestamps"))


def _follow_one(context: Context, client: Client, arguments: Arguments, selection: Selection) -> int:
    """One process: what it printed so far line by line, and then its stream as it comes."""
    from ..follow import Follower, say_hub_stopped
    from ..interrupts import Interrupted, Interrupts
    from ..stream import Sinks
    from ..viewer import HubStopped, Viewer
    from ..words import ending

    interrupts = Interrupts()

    def ask(page: GetProcessOutputParams) -> OutputReply:
        with interrupts:
            return client.get_process_output(**page)

    sink = _sink_of_one(context, arguments)
    sinks = sink if isinstance(sink, Sinks) else Sinks(merged=True)
    params = _params_of_one(context, arguments, selection)
    try:
        with interrupts:
            process = client.get_process_status(process=params["process"])
        follower = Follower(Viewer(context, client, interrupts), process, sinks)
        # From the cursor of the last of these replies: what is printed between two calls would be lost otherwise.
        for reply in pages(ask, selection, params):
            sink.show(reply)
            follower.resume(reply, {**params, "format": "plain" if context.json else "raw"})
        if sink.within_line:
            sinks.begin_within_line()
        last = follower.follow()
    except HubStopped:
        sinks.end_line()
        return say_hub_stopped(follower.process, str(params["process"]))
    except Interrupted as interrupted:
        sinks.end_line()
        return 128 + interrupted.number
    note(f"{last['name']} {ending(last)}")
    return 0


def _several(context: Context, client: Client, arguments: Arguments, selection: Selection) -> int:
    """Lines of several processes by time; or of one, chosen while they come."""
    from ..sources import find_sources

    everywhere = arguments.flag("--all") or context.directory is None
    sources = find_sources(client, arguments.words, all_projects=everywhere)
    follows = arguments.flag("--follow")
    if not sources and not follows:
        note(
            "no processes yet" if everywhere else "no processes in this project (every project: persistproc logs --all)"
        )
        return 0
    if len(sources) == 1 and not follows and not arguments.words and not context.json:
        # The only one there is: as if it had been named.
        arguments.words.append(sources[0].target)
        return _run(context, arguments)
    if arguments.flag("--raw"):
        raise UsageError("--raw shows the bytes of one process", hint="name one: persistproc logs --raw NAME")
    params = selection.params
    params["timestamps"] = context.json or arguments.flag("--timestamps") or len(arguments.words) != 1
    # Not plain: that folds neighbours that are the same, and what others printed between them would go behind them.
    params["format"] = "ansi"
    sink = _sink(context, arguments, sources)
    mark = arguments.text("--mark")
    if mark is not None:
        # Before anything is read: what is printed meanwhile is better shown twice than never.
        client.set_mark(name=mark)
    if follows:
        from ..several import follow_several

        return follow_several(client, selection, sources, sink, everywhere=None if arguments.words else everywhere)
    from ..history import History, show_history

    def ask(page: GetProcessOutputParams) -> OutputReply:
        sink.flush()
        return client.get_process_output(**page)

    show_history([History(source, selection, ask, params) for source in sources], sink)
    sink.close()
    return 0


def _sink(context: Context, arguments: Arguments, sources: list[Source]) -> LineSink | JsonLines:
    from ..lines import JsonLines, LineSink

    if context.json:
        return JsonLines()
    from ..prefixes import Prefixes

    prefixes = None if len(arguments.words) == 1 else Prefixes(source.name for source in sources)
    return LineSink(prefixes=prefixes, timestamps=arguments.flag("--timestamps"))


COMMAND = Command(
    "logs",
    "[NAME ...] [-f] [-n N] [--since WHEN] [--grep REGEX]",
    "Show what processes printed, also after they ended; without names those of this project, merged by time.",
    _run,
    options=(
        Option("--all", "-a", help="without names: the processes of every project"),
        Option("--follow", "-f", help="go on with what they print, also over restarts; ends when they have ended"),
        *SELECTION_OPTIONS,
        Option("--timestamps", "-t", help="show when each line was written (UTC, to about 50 ms)"),
        Option("--mark", value="NAME", help="set a mark at the end of what is shown, for --since mark:NAME"),
        Option("--raw", help="of one process: the bytes as they were written, whatever they are"),
    ),
    words=(0, None),
    examples=(
        "persistproc logs web",
        "persistproc logs -f web api",
        "persistproc logs --since 10m --grep 'error|warn' -i -C 2",
        "persistproc logs -n all --stream stderr web",
        "persistproc logs --since mark:before-edit",
    ),
    notes=(
        "Everything goes to standard output. On a terminal colours are kept, and whatever else acts on a terminal is\n"
        "removed; piped it is plain text. Very long lines lose their middle; --raw shows them whole. Of several\n"
        "processes each line begins with its process's name, and on a terminal a red bar marks standard error.\n"
        "With --since, --grep and --new all that fits is shown, else the last 100 lines of each. Without --since,\n"
        "--until and --run the current run is meant.\n"
        "-f without names also shows processes that are started later. Ctrl-C ends -f; no process is touched.\n"
        "--json: of one named process the replies of get_process_output, a document on a line for each; of several a\n"
        "document for each line of output. --grep with -f: what comes later is matched by Python's re."
    ),
)
