"""The command with which an agent starts the relay."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.paths import Home

__all__ = ["find_program", "relay_command"]

_NAME = "persistproc"
_SECONDS = 5.0


def relay_command(home: Home) -> tuple[str, ...]:
    """``persistproc mcp``: by its name where every login shell finds it, else by its path.

    Agents that are started from a desktop do not have the PATH of the terminal in which the virtual environment is
    active, so a name that only that one knows would not be found.
    """
    program = _our_program()
    if program is None:
        command: tuple[str, ...] = (sys.executable, "-m", "persistproc_cli", "mcp")
    elif _in_login_shell(program):
        command = (_NAME, "mcp")
    else:
        command = (program, "mcp")
    usual = os.path.join(os.path.expanduser("~"), ".persistproc")
    # As an option and not as a variable: Codex hands only a few variables on.
    return command if home.path == usual else (*command, "--home", home.path)


def find_program(name: str) -> str | None:
    """The path of a program on the PATH."""
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isabs(path) and os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


def _our_program() -> str | None:
    beside = os.path.join(os.path.dirname(sys.executable), _NAME)
    for path in (sys.argv[0], beside, find_program(_NAME) or beside):
        path = os.path.abspath(path)
        if os.path.basename(path) == _NAME and os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


def _in_login_shell(program: str) -> bool:
    """True when the user's shell, started as at a login, finds this very program by its name."""
    import subprocess

    variables = {name: os.environ[name] for name in ("HOME", "USER", "LOGNAME", "LANG") if name in os.environ}
    try:
        found = subprocess.run(
            [_shell(), "-l", "-c", f"command -v {_NAME}"],
            env={**variables, "TERM": "dumb"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            start_new_session=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    # What a profile prints comes first.
    lines = os.fsdecode(found).split()
    return bool(lines) and os.path.realpath(lines[-1]) == os.path.realpath(program)


def _shell() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
    except KeyError:
        return "/bin/sh"
