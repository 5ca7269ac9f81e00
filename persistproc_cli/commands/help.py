"""``persistproc help``, ``persistproc --help`` and ``persistproc`` alone."""

from __future__ import annotations

import sys

from ..arguments import Arguments, Command, UsageError
from ..dispatch import ALIASES, VERBS
from ..help import EXIT_CODES, main_help, verb_help
from ..output import print_document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    if context.json:
        print_document({"verbs": VERBS})
        return 0
    if not arguments.words:
        print(main_help())
        return 0
    topic = arguments.words[0]
    if topic == "exit-codes":
        print(EXIT_CODES)
        return 0
    verb = ALIASES.get(topic, topic)
    if verb not in VERBS:
        raise UsageError(f"there is no help on {topic!r}", hint="see: persistproc help")
    from ..main import command_named

    print(verb_help(command_named(verb)))
    sys.stdout.flush()
    return 0


COMMAND = Command(
    "help",
    "[VERB | exit-codes]",
    "Show help on all verbs, on one, or on the exit codes.",
    _run,
    words=(0, 1),
    examples=("persistproc help run", "persistproc help exit-codes"),
)
