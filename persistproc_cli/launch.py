"""From the words of ``run`` and ``start`` to the parameters of ``start_process``."""

from __future__ import annotations

import os
import re

from persistproc_core.errors import PersistprocError, StartFailed

from .arguments import Arguments, Option, UsageError
from .behaviour import BEHAVIOUR_OPTIONS, take_behaviour
from .caller import file_mode_mask, ignored_signals, resource_limits
from .durations import seconds_in
from .envfile import is_assignment, variables_in
from .policy import AUTOSTART_OPTION, RESTART_OPTION, restart_policy
from .port_options import PORT_OPTION, port_wishes
from .ready_options import READY_OPTIONS, take_ready
from .sizes import size_in
from .waited import WAIT_OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import StartProcessParams, StartReply

    from .context import Context
    from .waited import Wait

__all__ = ["START_OPTIONS", "read_command", "start_process"]

START_OPTIONS = (
    Option("--name", "-n", value="NAME", help="the name, unique in the project (else made from the command)"),
    Option("--cwd", "-C", value="DIR", help="the directory to run in (else this one)"),
    Option("--env", "-e", value="K=V", repeated=True, help="set a variable (may be repeated)"),
    Option("--env-file", value="FILE", repeated=True, help="set the variables of a .env file (may be repeated)"),
    Option("--fresh", help="when it already runs: restart it with what is given here"),
    Option("--replace", help="when the name runs another command: stop that one first"),
    Option("--keep-bytes", value="SIZE", help="how much of each stream is kept (64M, 2G; else as configured)"),
    Option("--keep-runs", value="N", help="how many runs of it are kept (else as configured)"),
    RESTART_OPTION,
    AUTOSTART_OPTION,
    Option("--ttl", value="TIME", help="stop it when it has run so long (30m, 2h)"),
    Option("--idle-timeout", value="TIME", help="stop it when nobody has used it for so long"),
    PORT_OPTION,
    *READY_OPTIONS,
    *WAIT_OPTIONS,
    *BEHAVIOUR_OPTIONS,
    Option("--tty", "-t", help="give it a terminal: colours, full-screen programs, persistproc attach"),
    Option("--protect", help="protect it: what others do to it then needs --force and --reason"),
    Option("--force", help="with --fresh, --replace: also when somebody else protected it; that needs --reason"),
    Option("--reason", value="TEXT", help="why, in words; shown to everybody"),
)

_SHELL_SYNTAX = re.compile(r"""[\s|&;<>()$`\\"'*?\[\]{}~#!]""")


def read_command(words: list[str]) -> tuple[str | list[str], dict[str, str]]:
    """The command, and the variables that ``NAME=value`` words before it set.

    Exactly one word with blanks or shell syntax, that names no file and no program, is a line of text: the daemon
    splits it, or hands it to a shell. Anything else is a list, and is executed as it is.
    """
    if len(words) == 1 and _SHELL_SYNTAX.search(words[0]) and not _names_program(words[0]):
        return words[0], {}
    variables: dict[str, str] = {}
    index = 0
    while index < len(words) and is_assignment(words[index]):
        name, _, value = words[index].partition("=")
        variables[name] = value
        index += 1
    if index == len(words):
        raise UsageError("there is no command to run", hint="usage: persistproc run [options] -- COMMAND [ARGUMENTS]")
    return words[index:], variables


def _names_program(word: str) -> bool:
    from .dispatch import is_executable

    return os.path.exists(word) if "/" in word else is_executable(word)


def start_process(context: Context, client: Client, arguments: Arguments, wait: Wait) -> StartReply:
    """Start or join with everything that the caller has; where it is waited for, the reply has a first look at that."""
    command, assigned = read_command(arguments.words)
    params: StartProcessParams = {
        "command": command,
        "working_directory": _directory(context, arguments),
        "environment": _environment(arguments, assigned),
        "inherit_environment": False,
        "umask": file_mode_mask(),
        "resource_limits": resource_limits(),
        "ignored_signals": ignored_signals(),
        "replace": arguments.flag("--replace"),
        "fresh": arguments.flag("--fresh"),
    }
    name, reason = arguments.text("--name"), arguments.text("--reason")
    if arguments.flag("--tty"):
        from .attach.screen import terminal_size

        params["tty"] = True
        params["rows"], params["columns"] = terminal_size()
    if arguments.flag("--protect"):
        params["protected"] = True
    if arguments.flag("--force"):
        params["force"] = True
    if name is not None:
        params["name"] = name
    if reason is not None:
        params["reason"] = reason
    _take_retention(params, arguments)
    _take_limits(params, arguments)
    take_behaviour(params, arguments)
    if arguments.flag("--port"):
        params["ports"] = port_wishes(arguments)
    take_ready(params, arguments)
    wait.take(params)
    try:
        return client.start_process(**params)
    except StartFailed as error:
        _hint_at_name(client, command, error)
        raise


def _take_retention(params: StartProcessParams, arguments: Arguments) -> None:
    size, runs = size_in(arguments, "--keep-bytes"), arguments.integer("--keep-runs")
    if size is not None:
        params["keep_bytes"] = size
    if runs is not None:
        params["keep_runs"] = runs


def _take_limits(params: StartProcessParams, arguments: Arguments) -> None:
    restart = restart_policy(arguments)
    if restart is not None:
        params["restart"] = restart
    if arguments.flag("--autostart"):
        params["autostart"] = True
    ttl, idle = seconds_in(arguments, "--ttl"), seconds_in(arguments, "--idle-timeout")
    if ttl is not None:
        params["ttl_seconds"] = ttl
    if idle is not None:
        params["idle_timeout_seconds"] = idle


def _hint_at_name(client: Client, command: str | list[str], error: StartFailed) -> None:
    """``persistproc web``: no program is called so, but a process is."""
    word = command if isinstance(command, str) else command[0]
    if error.data.get("errno") != "ENOENT" or "/" in word:
        return
    try:
        known = client.get_process_status(process=word)
    except PersistprocError:
        return
    if known["name"] == word:
        how = "runs" if known["pid"] and not known["ended_at"] else "has ended"
        error.hint = f"the process {word} {how}; see: persistproc logs -f {word}, or persistproc restart {word}"


def _directory(context: Context, arguments: Arguments) -> str:
    chosen = arguments.text("--cwd")
    if context.directory is None and not os.path.isabs(chosen or ""):
        raise UsageError("the working directory has been deleted", hint="cd to another one, or give --cwd")
    if chosen is None:
        return context.directory or "/"
    # realpath and not normpath: link/.. is not the directory that holds the link.
    return os.path.realpath(os.path.join(context.directory or "/", chosen))


def _environment(arguments: Arguments, assigned: dict[str, str]) -> dict[str, str]:
    environment = dict(os.environ)
    for path in arguments.values("--env-file"):
        environment.update(variables_in(path, environment))
    for pair in arguments.values("--env"):
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError("--env needs NAME=value")
        environment[name] = value
    environment.update(assigned)
    return environment
