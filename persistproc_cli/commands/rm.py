"""``persistproc rm``."""

from __future__ import annotations

from ..arguments import Arguments, Command
from ..oneline import one_line
from ..targets import FORCE_OPTION, REASON_OPTION, act, act_params
from ..words import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import RemoveReply

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    with context.connect() as client:

        def remove(name: str) -> RemoveReply:
            return client.remove_process(**act_params(name, arguments))

        return act(context, arguments.words, remove, _describe)


def _describe(reply: RemoveReply) -> str:
    # With its project: where a name is unknown here, that of another project is meant.
    return f"{one_line(reply['project'])}/{one_line(reply['name'])} removed ({counted(reply['runs'], 'run')})"


COMMAND = Command(
    "rm",
    "NAME...",
    "Forget ended processes and delete their output.",
    _run,
    options=(FORCE_OPTION, REASON_OPTION),
    words=(1, None),
    examples=("persistproc rm web",),
)
