"""``persistproc capture``: the output of a program that persistproc did not start."""

from __future__ import annotations

import signal
import sys

from persistproc_core.errors import DaemonUnavailable, InvalidParams, NameTaken, PersistprocError

from ..arguments import Arguments, Command, Option, UsageError
from ..oneline import one_line
from ..output import note
from ..passing import HubPipe, Passage, pass_on
from ..terminal import is_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from persistproc_core.protocol import CaptureReply

    from ..context import Context

__all__ = ["COMMAND"]

_TRIES = 3


def _run(context: Context, arguments: Arguments) -> int:
    name = arguments.text("--name")
    if not name:
        raise UsageError("capture needs a name", hint="SERVER 2>&1 | persistproc capture --name NAME")
    if sys.stdin is None:
        raise UsageError("there is no standard input", hint=f"SERVER 2>&1 | persistproc capture --name {name}")
    if is_terminal(sys.stdin):
        raise UsageError(
            "standard input is a terminal: there is no program to capture",
            hint=f"SERVER 2>&1 | persistproc capture --name {name}; or let it be started: persistproc SERVER",
        )
    signal.signal(signal.SIGINT, _let_the_program_end)
    pass_on(_open(context, name), Passage())
    return 0


def _let_the_program_end(number: int, frame: FrameType | None) -> None:
    # Ctrl-C reaches all of the pipeline. The program's last words are still to come, and without us they would end it
    # by SIGPIPE; who presses it again means us.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _open(context: Context, name: str) -> HubPipe | None:
    try:
        reply = _ask(context, name)
        pipe = HubPipe(reply["path"])
    except (InvalidParams, NameTaken):
        raise
    except PersistprocError as error:
        note(f"{error.message}{f' ({error.hint})' if error.hint else ''}; the output is passed through, and in no log")
        return None
    except OSError as error:
        note(f"cannot open the way into the hub: {error.strerror}; the output is passed through, and in no log")
        return None
    if is_terminal(sys.stderr):
        note(f"{one_line(reply['name'])} is captured; see it from anywhere: persistproc logs -f {one_line(name)}")
    return pipe


def _ask(context: Context, name: str) -> CaptureReply:
    """The run whose leader is this process: the daemon asks the kernel who calls."""
    for tried in range(1, _TRIES + 1):
        try:
            with context.connect() as client:
                return client.capture_process(name=name)
        except DaemonUnavailable:
            # It may have been done: asked again by the same process, the daemon answers with the same run.
            if tried == _TRIES:
                raise
    raise AssertionError("unreachable")


COMMAND = Command(
    "capture",
    "--name NAME",
    "Put the output of a program that persistproc did not start into the hub, and pass it through.",
    _run,
    options=(Option("--name", "-n", value="NAME", help="the name, unique in the project"),),
    examples=(
        "some-server 2>&1 | persistproc capture --name web",
        "make 2>&1 | persistproc capture --name build | tee build.txt",
    ),
    notes=(
        "Standard input goes byte for byte into the log of NAME and to standard output, until it ends; exit code 0.\n"
        "It never stops the program: what the hub does not take is passed through all the same, and that is said once\n"
        "on standard error. When the reader of standard output goes away (| head), it goes on until the input ends.\n"
        "Ctrl-C is left to the program, so that its last lines are kept; a second one ends capture as well."
    ),
)
