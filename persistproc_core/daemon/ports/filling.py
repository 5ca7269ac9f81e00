"""A start with its ports in it: in the command, the environment, and what tells whether it is ready and alive."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ...errors import InvalidParams
from ...placeholders import UnknownPlaceholder, fill
from ...protocol import Liveness, ReadyWhen, StartProcessParams
from ..words.command import Command
from .wishes import variables

if TYPE_CHECKING:
    from ..requests import Requested

__all__ = ["filled"]

Put = Callable[[str], str]


def filled(asked: Requested, own: Mapping[str, int], others: Mapping[str, Mapping[str, int]]) -> Requested:
    """With ``own`` ports by their names, and those of ``others`` by process and name.

    Raises `InvalidParams` for a placeholder that stands for no port.
    """
    try:
        return _filled(asked, own, others)
    except UnknownPlaceholder as error:
        raise InvalidParams(f"{error.placeholder}: {error.text}", hint=error.hint) from None


def _filled(asked: Requested, own: Mapping[str, int], others: Mapping[str, Mapping[str, int]]) -> Requested:
    def put(text: str) -> str:
        return fill(text, own, others)

    command = _command(asked.command, put)
    environment = {**_environment(asked, put), **variables(asked.params.get("ports", ()), own)}
    params = asked.params.copy()
    _fill_looks(params, put)
    return asked._replace(
        command=command,
        environment=environment,
        params=params,
        assigned_ports=tuple(own.items()),
        template=asked.command.argv if command.argv != asked.command.argv else None,
    )


def _command(command: Command, put: Put) -> Command:
    argv = tuple(put(word) for word in command.argv)
    # A list is shown as it would be typed: braces need quotes there, and the number in their place does not.
    text = shlex.join(argv) if command.text == shlex.join(command.argv) else put(command.text)
    return Command(argv, command.shell, text)


def _environment(asked: Requested, put: Put) -> dict[str, str]:
    """Of what comes from a project's file the file's own variables; else all that was given with the start."""
    environment = dict(asked.environment)
    for name in asked.of_project.variables if asked.of_project is not None else asked.params.get("environment", {}):
        try:
            environment[name] = put(environment[name])
        except UnknownPlaceholder:
            # A shell's variable, or one of a .env, may hold whatever it likes ("{host}:{port}" of a format). What
            # stands in a project's file itself was checked when that was read.
            pass
    return environment


def _fill_looks(params: StartProcessParams, put: Put) -> None:
    if "ready" in params:
        ready = params["ready"] = params["ready"].copy()
        if "output" in ready:
            ready["output"] = put(ready["output"])
        _fill_look(ready, put)
    if "liveness" in params:
        liveness = params["liveness"] = params["liveness"].copy()
        _fill_look(liveness, put)


def _fill_look(look: ReadyWhen | Liveness, put: Put) -> None:
    if "url" in look:
        look["url"] = put(look["url"])
    if "command" in look:
        command = look["command"]
        look["command"] = put(command) if isinstance(command, str) else [put(word) for word in command]
