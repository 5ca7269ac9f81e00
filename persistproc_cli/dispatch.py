"""Which verb a command line means; pure, so that every case is a line in a test."""

from __future__ import annotations

import os

from .arguments import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ALIASES", "RUN_OPTIONS_WITH_VALUE", "VERBS", "Invocation", "dispatch", "is_executable"]

VERBS = {
    "run": "start a command, or join it, and show its output",
    "start": "start a command, or join it, without showing its output",
    "stop": "stop processes and everything they started",
    "restart": "start processes again, running or ended",
    "init": "write a project's file from what the project's other files say",
    "up": "bring the processes of the project's file up, in the order of what they need",
    "down": "stop the processes of the project's file",
    "project": "show what the project's file says, and what of it runs",
    "list": "list the project's processes, live and ended",
    "status": "tell all about one process",
    "port": "tell a process's port, or who holds one",
    "url": "tell where a browser finds a process",
    "open": "open a process's URL in the browser",
    "logs": "show what processes printed, merged by time",
    "wait": "wait until a process ends, prints a line, listens, answers or is quiet",
    "mark": "name the present end of all logs, to ask later what came after it",
    "capture": "put the output of a program that persistproc did not start into the hub",
    "adopt": "take a server that was started outside of persistproc into the list",
    "attach": "type to a process and see what it prints, as if it ran in this terminal",
    "send": "write to a process's standard input",
    "set": "restart policy, autostart, ttl: what is done with processes by itself",
    "protect": "make others need force and a reason for what they do to processes",
    "signal": "send a signal to a process",
    "rm": "forget ended processes and their output",
    "prune": "make room: forget what ended long ago, and old runs",
    "env": "tell a process's environment variables, or how they differ from yours",
    "daemon": "start, stop, restart or inspect the daemon",
    "shutdown": "stop all processes, the daemon and the bridge",
    "serve": "serve agents and HTTP clients",
    "mcp": "speak MCP with the agent that started it",
    "agent": "connect agents: write the bridge into their configuration",
    "service": "have the daemon, and the bridge, run from login on",
    "doctor": "check the installation and the daemon",
    "version": "show versions",
    "help": "show help on a verb or a topic",
}
"""Every verb with one line about it; the module of a verb is ``commands/<verb>.py``."""

ALIASES = {"ls": "list"}

_SWITCHES = {"--version": "version", "--serve": "serve"}

# The options of run and start may stand before a command without the verb. That table lives in commands/run.py, which
# a list does not pay for; a test holds the two together.
RUN_OPTIONS_WITH_VALUE = frozenset(
    (
        "--name",
        "-n",
        "--cwd",
        "-C",
        "--env",
        "-e",
        "--detach-key",
        "--env-file",
        "--idle-timeout",
        "--keep-bytes",
        "--keep-runs",
        "--on-exit",
        "--port",
        "--ready-command",
        "--ready-output",
        "--ready-port",
        "--ready-url",
        "--reason",
        "--restart",
        "--stop-grace",
        "--stop-signal",
        "--timeout",
        "--ttl",
        "--watch",
        "--watch-signal",
    )
)
_RUN_SWITCHES = frozenset(
    {
        "--detach",
        "-d",
        "--fresh",
        "--replace",
        "--tty",
        "-t",
        "--protect",
        "--force",
        "--autostart",
        "--shell",
        "--wait",
        "-w",
    }
)


class Invocation:
    """A verb, its own words, and what was said before it."""

    __slots__ = ("home", "json", "verb", "words")

    def __init__(self, verb: str, words: list[str], home: str | None, json: bool) -> None:
        self.verb = verb
        self.words = words
        self.home = home
        self.json = json


def is_executable(word: str) -> bool:
    """True when the word is a path, or names a program on the PATH."""
    if "/" in word:
        return True
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, word)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return True
    return False


def dispatch(given: Sequence[str], executable: Callable[[str], bool] = is_executable) -> Invocation:
    """Find the verb; raises `UsageError` for an unknown option and for what looks like a misspelt verb.

    A first word that is no verb begins a command, and everything after it belongs to that command.
    """
    rest = list(given)
    home: str | None = None
    json = False
    while rest:
        name, has_value, value = rest[0].partition("=")
        if not rest[0].startswith("-") or rest[0] in ("-", "--"):
            break
        if name == "--home":
            if not has_value and len(rest) < 2:
                raise UsageError("--home needs a value: --home DIR")
            home = value if has_value else rest.pop(1)
        elif rest[0] == "--json":
            json = True
        elif rest[0] in ("-h", "--help"):
            return Invocation("help", [word for word in rest[1:] if not word.startswith("-")], home, json)
        elif rest[0] in _SWITCHES:
            return Invocation(_SWITCHES[rest[0]], rest[1:], home, json)
        elif name in RUN_OPTIONS_WITH_VALUE or name in _RUN_SWITCHES:
            return Invocation("run", _options_before_command(rest), home, json)
        else:
            raise UsageError(f"there is no option {name}", hint="see: persistproc --help")
        rest.pop(0)
    if not rest:
        return Invocation("help", [], home, json)
    verb = ALIASES.get(rest[0], rest[0])
    if verb in VERBS:
        return Invocation(verb, rest[1:], home, json)
    _refuse_misspelt(rest, executable)
    return Invocation("run", rest if rest[0] == "--" else ["--", *rest], home, json)


def _options_before_command(rest: list[str]) -> list[str]:
    """``--name web npm run dev``, but not ``--name web stop``: that would run a program called stop."""
    index = 0
    while index < len(rest) and rest[index].startswith("-") and rest[index] != "--":
        index += 2 if rest[index] in RUN_OPTIONS_WITH_VALUE else 1
    if index < len(rest):
        verb = ALIASES.get(rest[index], rest[index])
        if verb in VERBS:
            raise UsageError(
                f"options of {verb} come after it: persistproc {verb} {rest[0]} ...",
                hint=f"for a program called {rest[index]}: persistproc run ... -- {rest[index]}",
            )
    return rest


def _refuse_misspelt(rest: list[str], executable: Callable[[str], bool]) -> None:
    word = rest[0]
    if not word.isidentifier() or executable(word):
        return
    import difflib

    near = difflib.get_close_matches(word, [*VERBS, *ALIASES], n=1, cutoff=0.65)
    if near:
        raise UsageError(
            f"there is no verb {word!r}, and no program of that name; did you mean: persistproc {near[0]}?",
            hint=f"to run it all the same: persistproc run -- {word}",
        )
