"""``persistproc env diff``: the names of variables that differ between a run and the caller."""

from __future__ import annotations

import os

from ..arguments import Arguments, Command, UsageError
from ..oneline import one_line
from ..output import note, print_document, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import Difference, StatusReply

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    action, name = (*arguments.words, "", "")[:2]
    if action != "diff" or not name:
        raise UsageError(
            "usage: persistproc env diff NAME",
            hint="to run the program env: persistproc run -- env ...",
        )
    with context.connect() as client:
        reply = client.get_process_status(process=name, environment=dict(os.environ))
    difference = _environment(reply)
    added, removed = difference.get("added", []), difference.get("removed", [])
    changed = difference.get("changed", [])
    if context.json:
        names = {"added": added, "removed": removed, "changed": changed}
        print_document({"name": reply["name"], "project": reply["project"], "run": reply["run"], **names})
        return 0
    for sign, variables in (("+", added), ("-", removed), ("~", changed)):
        for variable in variables:
            say(f"{sign} {one_line(variable)}")
    if not (added or removed or changed):
        note(f"{reply['name']} runs with the same environment as yours")
    return 0


def _environment(reply: StatusReply) -> Difference:
    for difference in reply["differences"]:
        if difference["what"] == "environment":
            return difference
    return {"what": "environment"}


COMMAND = Command(
    "env",
    "diff NAME",
    "Tell the names of variables that differ between a process's environment and this one; never values.",
    _run,
    words=(0, 2),
    examples=("persistproc env diff web",),
    notes="+ NAME: only here.  - NAME: only in the process.  ~ NAME: another value.",
)
