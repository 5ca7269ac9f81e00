"""``persistproc adopt``: a server that somebody started elsewhere."""

from __future__ import annotations

from ..arguments import Arguments, Command, Option, UsageError
from ..oneline import one_line, short_directory
from ..output import print_document, say
from ..targets import REASON_OPTION
from ..words import address, output_of_adopted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import AdoptProcessParams

    from ..context import Context

__all__ = ["COMMAND"]


def _run(context: Context, arguments: Arguments) -> int:
    params = _meant(arguments.words[0])
    name, reason = arguments.text("--name"), arguments.text("--reason")
    if name is not None:
        params["name"] = name
    if reason is not None:
        params["reason"] = reason
    with context.connect() as client:
        reply = client.adopt_process(**params)
    if context.json:
        print_document(reply)
        return 0
    ports = ", ".join(dict.fromkeys(f"port {listener['port']}" for listener in reply["ports"]))
    told = f"{address(reply)} adopted (pid {reply['pid']}{f', {ports}' if ports else ''}): {reply['command']}"
    say(one_line(told))
    say(one_line(f"in {short_directory(reply['working_directory'])}; {output_of_adopted(reply['reason'] or '')}"))
    return 0


def _meant(word: str) -> AdoptProcessParams:
    digits = word.removeprefix(":")
    if not (digits.isascii() and digits.isdigit() and 0 < len(digits) < 11):
        raise UsageError(f"{word!r} is neither a port (:3000) nor a pid", hint="persistproc adopt :PORT | PID")
    number = int(digits)
    return {"port": number} if word.startswith(":") else {"pid": number}


COMMAND = Command(
    "adopt",
    ":PORT | PID",
    "Take a server that was started outside of persistproc into the list.",
    _run,
    options=(
        Option("--name", "-n", value="NAME", help="unique in its project; made from its command when not given"),
        REASON_OPTION,
    ),
    words=(1, 1),
    examples=("persistproc adopt :3000", "persistproc adopt 4711 --name web"),
    notes=(
        "It goes on as it is: nothing of it is touched. State, ports, cpu and memory are told as for every process.\n"
        "Its output is in persistproc logs where it goes to a file; from a terminal or a pipe it cannot be had.\n"
        "Before it is stopped or restarted you are asked (--yes: you are not); it was not started here, after all.\n"
        "persistproc restart NAME ends it, and runs its command in its directory with its environment as a process of\n"
        "persistproc. persistproc rm NAME takes it out of the list and leaves it running."
    ),
)
