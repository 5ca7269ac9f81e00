"""``persistproc rm``."""

from __future__ import annotations

from ..arguments import Arguments, Command
from ..oneline import one_line
from ..targets import REASON_OPTION, act, act_params

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
    runs = "1 run" if reply["runs"] == 1 else f"{reply['runs']} runs"
    return f"{one_line(reply['name'])} removed ({runs})"


COMMAND = Command(
    "rm",
    "NAME...",
    "Forget ended processes and delete their output.",
    _run,
    options=(REASON_OPTION,),
    words=(1, None),
    examples=("persistproc rm web",),
)
