"""A command in its user's login shell, for what only the shell's own start-up files set up (nvm, rbenv, mise).

Those tools write into the file that the shell reads when it is interactive (.bashrc, .zshrc), and Debian's .bashrc does
nothing otherwise. So bash and zsh are told that they are; what they and those files print is not the program's output,
and bash says that it has no terminal: both streams are given to the program only. direnv and mise wait for a prompt;
there is none, so they are called. What they say is shown: that a .envrc is not allowed yet must not be missed.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

from ...errors import InvalidParams
from .command import Command, check_words

__all__ = ["in_login_shell"]

_PREPARE = (
    'exec 3>&1 4>&2 >/dev/null 2>&1; exec "$0" -i -l -c "'
    "for hook in _direnv_hook _mise_hook; do type \\$hook && \\$hook 2>&4; done; unset hook; "
    'exec >&3 2>&4 3>&- 4>&-; $1"'
)
_INTERACTIVE = frozenset({"bash", "zsh"})
_NEEDS_NO_LOGIN = frozenset({"csh", "tcsh"})
"""csh(1): -l is taken only when it is the only flag."""


def in_login_shell(command: str | list[str] | tuple[str, ...], environment: Mapping[str, str]) -> Command:
    """The command line run by the login shell of whoever has this environment: ``$SHELL``, else as in passwd(5).

    Raises `InvalidParams` for a list of arguments, for an empty text and for one that cannot be passed to a program.
    """
    if not isinstance(command, str):
        raise InvalidParams("shell takes a command line, not a list of arguments", hint="give the command as one text")
    text = command.strip()
    check_words((text,) if text else ())
    shell = environment.get("SHELL") or _of_the_user()
    name = os.path.basename(shell)
    if name in _INTERACTIVE:
        argv: tuple[str, ...] = ("/bin/sh", "-c", _PREPARE, shell, text)
    elif name in _NEEDS_NO_LOGIN:
        argv = (shell, "-c", text)
    else:
        argv = (shell, "-l", "-c", text)
    return Command(argv, True, text)


def _of_the_user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
    except KeyError:  # a container may run as a user that has no entry
        return "/bin/sh"
