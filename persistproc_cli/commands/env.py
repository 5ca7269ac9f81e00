"""``persistproc env``: the names of a process's variables, which of them differ from the caller's, and the values."""

from __future__ import annotations

import os
import sys

from ..arguments import Arguments, Command, Option, UsageError
from ..oneline import one_line
from ..output import note, print_document, say
from ..terminal import is_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import Difference, StatusReply

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    words = arguments.words
    if len(words) == 2 and words[0] == "diff":
        return _differences(context, arguments, words[1])
    if len(words) != 1 or words[0] == "diff":
        raise UsageError(
            "usage: persistproc env NAME, or persistproc env diff NAME",
            hint="to run the program env: persistproc run -- env ...",
        )
    if arguments.flag("--values"):
        return _values(context, words[0])
    with context.connect() as client:
        reply = client.get_process_status(process=words[0])
    names = reply["environment_names"]
    if context.json:
        print_document({"name": reply["name"], "project": reply["project"], "run": reply["run"], "variables": names})
        return 0
    for name in names:
        say(one_line(name))
    if not names:
        note(f"nobody knows the variables of {reply['name']} any more: they are kept in memory only")
    return 0


# --- values ---------------------------------------------------------------------------------------------------------


def _values(context: Context, name: str) -> int:
    # They are for eyes: in a file, a pipe or an agent's transcript they would stay.
    if context.json or not is_terminal(sys.stdout):
        raise UsageError("values are shown on a terminal only", hint="without --values: the names")
    with context.connect() as client:
        reply = client.get_process_status(process=name)
    for line in sorted(_read(reply)):
        say(one_line(line))
    return 0


def _read(reply: StatusReply) -> list[str]:
    """``NAME=value`` as the kernel has it since the run's leader was executed (proc_pid_environ(5)).

    Read here and not by the daemon: no value ever goes over the socket.
    """
    from persistproc_core.errors import NotRunning, PersistprocError

    name, pid = reply["name"], reply["pid"]
    if pid is None or reply["ended_at"] is not None:
        raise NotRunning(f"{name} has ended, and with it the values of its variables", hint=f"persistproc env {name}")
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            data = file.read()
    except FileNotFoundError:
        if os.path.exists("/proc/self/environ"):
            raise NotRunning(f"{name} has just ended", hint=f"see persistproc status {name}") from None
        raise PersistprocError(f"the variables of {name} cannot be read on this system") from None
    except OSError as error:
        raise PersistprocError(f"the variables of {name} cannot be read: {error.strerror}") from None
    lines = [os.fsdecode(line) for line in data.split(b"\0") if line]
    # It may have ended a moment ago, and somebody else have its number now.
    if not (reply["captured"] or reply["adopted"]) and f"PERSISTPROC_RUN={reply['run_id']}" not in lines:
        raise NotRunning(f"{name} has just ended", hint=f"see persistproc status {name}")
    return lines


# --- differences ----------------------------------------------------------------------------------------------------


def _differences(context: Context, arguments: Arguments, name: str) -> int:
    if arguments.flag("--values"):
        raise UsageError("diff tells names alone", hint=f"persistproc env {name} --values")
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
    "[diff] NAME",
    "Tell the names of a process's environment variables; with diff, of those that differ from this environment.",
    _run,
    options=(Option("--values", help="with the values, on a terminal only"),),
    words=(0, 2),
    examples=("persistproc env web", "persistproc env web --values", "persistproc env diff web"),
    notes="diff: + NAME: only here.  - NAME: only in the process.  ~ NAME: another value.",
)
