"""``persistproc npm run dev``: show a process until it ends, or until its caller leaves it."""

from __future__ import annotations

import signal
import sys

from persistproc_core.errors import PersistprocError, ProcessNotFound

from .deeds import who
from .follow import Follower, say_hub_stopped
from .interrupts import Interrupted
from .output import note, report_error
from .restarts import is_given_up, outlook
from .terminal import can_ask, is_terminal
from .viewer import HubStopped, Viewer
from .words import address, after_detach, because, difference_lines, ending, exit_code, port_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import OutputReply, StartReply

    from .context import Context
    from .interrupts import Interrupts
    from .stream import Sinks

__all__ = ["Session", "announce", "announce_terminal"]


_AT_CTRL_C: dict[str | None, str] = {None: "asks what to do with it", "detach": "leaves it running", "stop": "stops it"}


def announce(reply: StartReply, name: str, on_exit: str | None) -> None:
    """Say on standard error what we joined and how it differs; what was simply started only to a terminal."""
    if not reply["already_running"]:
        if is_terminal(sys.stderr):
            note(f"{name} started (pid {reply['pid']}); Ctrl-C {_AT_CTRL_C[on_exit]}")
            _tell_limits(reply)
        return
    from .times import duration, seconds_since

    since = duration(seconds_since(reply["started_at"]))
    note(
        f"{name} already runs (pid {reply['pid']}, for {since}, started by {who(reply['started_by'])}); "
        "showing its output from the start"
    )
    _tell_differences(reply)


def _tell_limits(reply: StartReply) -> None:
    for line in port_lines(reply):
        note(line)
    if reply.get("expires_at") is not None:
        from .limits import limit_lines

        for line in limit_lines(reply):
            note(line)


def _tell_differences(reply: StartReply) -> None:
    _tell_limits(reply)
    for line in difference_lines(reply["differences"]):
        note(f"differs: {line}")
    if reply["differences"]:
        note("to restart it with what you asked for: --fresh")


def announce_terminal(reply: StartReply, key: str) -> None:
    """The same where every key goes to the process."""
    name = f"{address(reply)} {'already runs' if reply['already_running'] else 'started'} (pid {reply['pid']})"
    note(f"{name}; {key} leaves it running (twice quickly: the key goes to it)")
    _tell_differences(reply)


class Session:
    """A caller who looks at one process."""

    def __init__(
        self,
        context: Context,
        client: Client,
        started: StartReply,
        sinks: Sinks,
        interrupts: Interrupts,
        on_exit: str | None,
    ) -> None:
        self._client = client
        self._json = context.json
        self._interrupts = interrupts
        self._sinks = sinks
        self._on_exit = on_exit
        self._name = address(started)
        self._follower = Follower(Viewer(context, client, interrupts), started, sinks)

    def run(self) -> int:
        """Stream until the end; the exit code is the run's, 0 after a detach, 130 after a stop by Ctrl-C."""
        while True:
            try:
                reply = self._follower.follow()
            except Interrupted as interrupted:
                code = self._interrupted(interrupted.number)
                if code is not None:
                    return code
            except BrokenPipeError:
                self._say_detached()
                raise
            except HubStopped:
                self._sinks.end_line()
                return say_hub_stopped(self._follower.process, self._name)
            except ProcessNotFound:
                note(f"{self._name} was removed while its output was shown")
                return 1
            else:
                self._say_ended(reply)
                return exit_code(reply)

    def _interrupted(self, number: int) -> int | None:
        answer = self._on_exit
        if answer is None and number == signal.SIGINT:
            answer = "detach"
            if can_ask():
                from .question import ask

                self._sinks.after_interrupt()
                answer = ask(self._name, self._interrupts, self._waits() or "runs on")
        if answer == "stop":
            return self._stop(number)
        if answer == "restart":
            self._restart()
            return None
        self._say_detached()
        return 0

    def _say_detached(self) -> None:
        self._sinks.end_line()
        note(f"detached; {self._name} {self._waits() or self._still_runs()}")
        note(after_detach(self._name))

    def _still_runs(self) -> str:
        return f"(pid {self._follower.process['pid']}) still runs"

    def _waits(self) -> str:
        """In words, when nothing runs now and it is to be started again; else empty."""
        if not self._follower.pausing:
            return ""
        target = self._follower.process
        try:
            with self._interrupts:
                status = self._client.get_process_status(
                    process=target["name"], working_directory=target["project_directory"]
                )
        except (Interrupted, PersistprocError):
            return ""
        planned = outlook(status).replace("starts", "be started", 1)
        return f"waits to {planned}" if status["state"] == "restarting" and planned else ""

    def _say_ended(self, reply: OutputReply) -> None:
        expected = reply["state"] == "exited" or (reply["state"] == "failed" and not reply["signal"])
        if is_given_up(reply):
            note(f"{self._name} {ending(reply)}; {outlook(reply)}")
        elif is_terminal(sys.stderr) or not expected:
            note(f"{self._name} {ending(reply)}{because(reply) if reply['state'] in ('stopped', 'lost') else ''}")

    def _stop(self, number: int) -> int:
        target = self._follower.process
        if not self._waits():
            note(f"stopping {self._name}; Ctrl-C again kills it at once")
        force = False
        while True:
            try:
                with self._interrupts:
                    stopped = self._client.stop_process(
                        process=target["name"], working_directory=target["project_directory"], force=force
                    )
                break
            except Interrupted:
                force = True
        if stopped["state"] != "stopped" and not stopped["stopped_pids"]:
            note(f"{self._name} {ending(stopped)}; it is not started again")
            return 128 + number
        self._follower.follow_restarts = False
        reply = self._last_output()
        note(f"{self._name} {ending(reply)}" if reply else f"{self._name} stopped ({stopped['ended_by']})")
        return 128 + number

    def _last_output(self) -> OutputReply | None:
        try:
            return self._follower.follow()
        except (Interrupted, PersistprocError):
            return None

    def _restart(self) -> None:
        target = self._follower.process
        try:
            with self._interrupts:
                restarted = self._client.restart_process(
                    process=target["name"], working_directory=target["project_directory"]
                )
        except Interrupted:
            return
        except PersistprocError as error:
            # The old run may well go on: keep showing it; if it has ended, that shows next.
            report_error(error, self._json)
            return
        note(f"{self._name} restarted (run {restarted['run']}, pid {restarted['pid']})")
        self._follower.switch(restarted)
