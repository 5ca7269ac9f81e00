"""``persistproc doctor``: is everything well, and if not, what mends it?"""

from __future__ import annotations

import sys

from ..arguments import Arguments, Command
from ..checks import findings
from ..oneline import one_line
from ..output import print_document, say
from ..terminal import colours, paint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

__all__ = ["COMMAND"]

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


def _run(context: Context, arguments: Arguments) -> int:
    found = list(findings(context))
    bad = any(finding.level == "problem" for finding in found)
    if context.json:
        print_document({"ok": not bad, "findings": [finding.document() for finding in found]})
        return 1 if bad else 0
    for finding in found:
        level = f"{finding.level:<7}"
        if colours(sys.stdout):
            level = paint(level, _COLOURS[finding.level])
        say(f"{level}  {finding.check:<11}  {one_line(finding.text)}")
        if finding.mend:
            say(f"{'':<7}  {'':<11}  -> {one_line(finding.mend)}")
    return 1 if bad else 0


COMMAND = Command(
    "doctor",
    "",
    "Check the installation, the home and the daemon; each problem comes with what mends it.",
    _run,
    examples=("persistproc doctor", "persistproc doctor --json"),
    notes="Only looks: it starts and changes nothing. Exit code 1 when there is a problem.",
)
