"""The options of ``run`` and ``start`` that say how a process lives: what restarts it, how it is stopped, its shell."""

from __future__ import annotations

from .arguments import Arguments, Option, UsageError
from .durations import seconds_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import StartProcessParams

__all__ = ["BEHAVIOUR_OPTIONS", "in_shell", "take_behaviour"]

BEHAVIOUR_OPTIONS = (
    Option(
        "--watch",
        value="PATTERN",
        repeated=True,
        help="restart it when a file changes: 'src/**/*.py', '*.html', '!src/generated/' (may be repeated)",
    ),
    Option("--watch-signal", value="SIGNAL", help="with --watch: send this signal instead of restarting it"),
    Option("--stop-signal", value="SIGNAL", help="what a stop sends first (else SIGTERM)"),
    Option("--stop-grace", value="TIME", help="how long a stop waits before SIGKILL (else 10s)"),
    Option("--shell", help="run the command line in your login shell, with what its profile sets up (nvm, mise)"),
)


def take_behaviour(params: StartProcessParams, arguments: Arguments) -> None:
    """Add what was given. Raises `UsageError`."""
    watch, signal = arguments.values("--watch"), arguments.text("--watch-signal")
    if signal is not None and not watch:
        raise UsageError("--watch-signal says what a change does: give --watch as well")
    if watch:
        params["watch"] = watch
    if signal is not None:
        params["watch_signal"] = signal
    stop_signal, grace = arguments.text("--stop-signal"), seconds_in(arguments, "--stop-grace")
    if stop_signal is not None:
        params["stop_signal"] = stop_signal
    if grace is not None:
        params["stop_grace_seconds"] = grace
    if arguments.flag("--shell"):
        params["shell"] = True
        params["command"] = in_shell(params["command"])


def in_shell(command: str | list[str]) -> str:
    """A command as a line of text for a shell."""
    if isinstance(command, str):
        return command
    if len(command) == 1:
        return command[0]  # a shell's own word (a function, an alias) is no program, and is not quoted
    import shlex

    return shlex.join(command)
