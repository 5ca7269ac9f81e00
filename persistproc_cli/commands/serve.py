"""``persistproc serve`` and ``persistproc --serve``: the bridge for agents (MCP) and HTTP clients."""

from __future__ import annotations

from ..arguments import Arguments, Command, Option, UsageError
from ..bridge import ask, become, end
from ..oneline import one_line
from ..output import print_document, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

__all__ = ["COMMAND"]

_LAST_PORT = 65535
_NOT_SERVED = 1


def _run(context: Context, arguments: Arguments) -> int:
    ways = [name for name in ("--detach", "--status", "--stop") if arguments.flag(name)]
    if len(ways) > 1:
        raise UsageError(f"{ways[0]} and {ways[1]} exclude each other", hint="see: persistproc serve --help")
    if arguments.flag("--status"):
        return _status(context)
    if arguments.flag("--stop"):
        return _stop(context)
    options = [name for name in ("--detach", "--token") if arguments.flag(name)]
    port = arguments.integer("--port")
    if port is not None:
        if port > _LAST_PORT:
            raise UsageError(f"--port needs a number from 0 to {_LAST_PORT}, not {port}")
        options += ["--port", str(port)]
    host = arguments.text("--host")
    if host is not None:
        options.append(f"--host={host}")
    if context.json:
        options.append("--json")
    become(context.home(), options)
    return 0


def _status(context: Context) -> int:
    told = ask(context.home())
    if context.json:
        print_document(told)
    elif told is None:
        say(f"no bridge serves {context.home().path}; to start one: persistproc serve --detach")
    else:
        for label, fact in _facts(context, told):
            say(f"{label:<9}  {one_line(fact)}")
    return 0 if told is not None else _NOT_SERVED


def _facts(context: Context, told: dict[str, object]) -> list[tuple[str, str]]:
    facts = [("bridge", f"version {told.get('version')}, pid {told.get('pid')}"), ("home", str(told.get("home")))]
    if told.get("url"):
        facts.append(("url", f"{told['url']}/mcp/{' (needs the token)' if told.get('token_needed') else ''}"))
    facts.append(("socket", context.home().bridge_socket))
    if told.get("port_problem"):
        facts.append(("problem", f"{told['port_problem']}; to try again: persistproc serve --stop, then serve"))
    daemon = told.get("daemon")
    facts.append(("daemon", f"pid {daemon['pid']}" if isinstance(daemon, dict) else "none: the next call starts it"))
    return facts


def _stop(context: Context) -> int:
    pid = end(context.home())
    if context.json:
        print_document({"pid": pid})
    elif pid is None:
        say("no bridge runs")
    else:
        say(f"the bridge has ended (pid {pid}); the daemon and all processes go on")
    return 0


COMMAND = Command(
    "serve",
    "[--detach | --status | --stop]",
    "Serve agents (MCP) and HTTP clients on a port of this machine; starts the daemon when none runs.",
    _run,
    options=(
        Option("--host", value="HOST", help="address to listen on (default 127.0.0.1); others need --token"),
        Option("--port", "-p", value="N", help="port to listen on (default 8947, see below); 0: any that is free"),
        Option("--token", help="callers of the port need the token in ~/.persistproc/token, which is made"),
        Option("--detach", "-d", help="return when it answers, and go on in the background"),
        Option("--status", help="tell about the bridge that runs"),
        Option("--stop", help="end the bridge that runs"),
    ),
    examples=(
        "persistproc --serve",
        "persistproc serve --detach",
        "persistproc serve --status",
        "persistproc serve --stop",
    ),
    notes=(
        "One bridge serves a home. When one does already, this says so and is content. Ctrl-C, SIGTERM and --stop end\n"
        "the bridge alone: the daemon and all processes go on, and agents find the next one without being told.\n"
        "Agents that start their servers themselves use persistproc mcp, which starts a bridge when there is none.\n"
        "In the background (--detach, persistproc mcp) it serves as the last one did, on its port and with its token,\n"
        "unless --host or --port is given; after --stop other machines are let in only with --host.\n"
        "--status ends with 1 when no bridge runs; with --json it prints what GET /health answers, or null."
    ),
)
