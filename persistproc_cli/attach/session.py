"""Attaching from beginning to end: what is said before and after, and the exit code."""

from __future__ import annotations

import sys

from persistproc_core.errors import InvalidParams, NotRunning, ProcessNotFound

from ..follow import say_hub_stopped
from ..interrupts import Interrupted
from ..output import note
from ..restarts import is_given_up, outlook
from ..terminal import is_terminal
from ..viewer import HubStopped
from ..words import address, after_detach, because, ending, exit_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import OutputReply, ProcessInfo

    from ..context import Context
    from ..interrupts import Interrupts
    from .attachment import Attachment
    from .keys import DetachKey

__all__ = ["attach", "check_attachable"]


def check_attachable(process: ProcessInfo) -> None:
    """Raise the error that says what else to do, where there is nothing to attach to."""
    name = address(process)
    if process["ended_at"] is not None:
        # Its program cannot be started again from here.
        again = "" if process["captured"] else f"to start it again: persistproc restart {name}; or "
        raise NotRunning(f"{name} {ending(process)}", hint=f"{again}see its output: persistproc logs {name}")
    if process["captured"] or process.get("adopted"):
        raise InvalidParams(
            f"{name} was not started by persistproc: there is only its output", hint=f"persistproc logs -f {name}"
        )
    if process["tty"] and not is_terminal(sys.stdout):
        raise InvalidParams(
            f"{name} has a terminal: attaching to it needs one on standard output", hint=f"persistproc logs -f {name}"
        )


def attach(
    context: Context,
    client: Client,
    process: ProcessInfo,
    interrupts: Interrupts,
    key: DetachKey,
    *,
    by_run: bool = False,
    from_start: bool = False,
    on_exit: str | None = None,
) -> int:
    """Attach until the run ends (its exit code) or we leave it (0).

    ``by_run``: only a terminal's keyboard is listened to. ``from_start``: show the run from its first byte.
    ``on_exit="stop"``: a signal to us (a closed terminal) stops the process.
    """
    name = address(process)
    attachment: Attachment
    if process["tty"]:
        from .with_terminal import TerminalAttachment

        listen = not by_run or is_terminal(sys.stdin)
        attachment = TerminalAttachment(context, client, process, interrupts, key, from_start=from_start, listen=listen)
    else:
        from .line_by_line import LineAttachment

        attachment = LineAttachment(context, client, process, interrupts)
    try:
        ended = _run(attachment)
    except Interrupted as interrupted:
        if on_exit == "stop":
            return _stop(client, attachment.process, name, interrupted.number)
        ended = None
    except HubStopped:
        return say_hub_stopped(attachment.process, name)
    except ProcessNotFound:
        note(f"{name} was removed while its output was shown")
        return 1
    if ended is None:
        note(f"detached; {name} (pid {attachment.process['pid']}) still runs")
        note(after_detach(name, "attach"))
        return 0
    given_up = f"; {outlook(ended)}" if is_given_up(ended) else ""
    note(f"{name} {ending(ended)}{because(ended) if ended['state'] in ('stopped', 'lost') else given_up}")
    return exit_code(ended)


def _run(attachment: Attachment) -> OutputReply | None:
    try:
        return attachment.run()
    finally:
        if attachment.typist.unsure:
            note(f"{attachment.typist.unsure} bytes that were typed when the daemon was killed may not have arrived")


def _stop(client: Client, process: ProcessInfo, name: str, number: int) -> int:
    note(f"stopping {name}")
    stopped = client.stop_process(process=process["name"], working_directory=process["project_directory"])
    note(f"{name} {ending(stopped)}")
    return 128 + number
