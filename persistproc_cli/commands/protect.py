"""``persistproc protect``: others then need a reason and force."""

from __future__ import annotations

from ..arguments import Arguments, Command, Option
from ..deeds import who
from ..oneline import one_line
from ..targets import FORCE_OPTION, REASON_OPTION, act, act_params
from ..words import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import ProcessInfo

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    protected = not arguments.flag("--off")
    with context.connect() as client:

        def protect(name: str) -> ProcessInfo:
            return client.protect_process(**act_params(name, arguments), protected=protected)

        return act(context, arguments.words, protect, _describe)


def _describe(reply: ProcessInfo) -> str:
    name, owner = one_line(address(reply)), reply["protected_by"]
    if owner is None:
        return f"{name} is not protected any more"
    return f"{name} is protected by {one_line(who(owner))}; others need --force and --reason"


COMMAND = Command(
    "protect",
    "NAME...",
    "Protect processes: what others do to them then needs force and a reason.",
    _run,
    options=(Option("--off", help="protect them no longer"), FORCE_OPTION, REASON_OPTION),
    words=(1, None),
    examples=(
        "persistproc protect db --reason 'holds the test data'",
        "persistproc protect db --off",
        "persistproc stop db --force --grace 10 --reason 'disk is full'",
    ),
    notes=(
        "Whoever protects a process is its owner, told apart by the name of the program: all terminals are one owner,\n"
        "cursor is another. Others who stop, restart, signal, write to or remove it get exit code 77 and the owner's\n"
        "name, unless they say --force and a --reason, which everybody sees. Protection lasts over restarts of the\n"
        "process and of the daemon. persistproc start --protect does it from the beginning."
    ),
)
