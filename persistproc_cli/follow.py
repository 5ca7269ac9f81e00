"""Follow a process: its output by long polling, over restarts of the process and of the daemon."""

from __future__ import annotations

import time

from persistproc_core.errors import DaemonUnavailable, ProcessNotFound, ShuttingDown

from .output import note
from .words import ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import GetProcessOutputParams, OutputReply, ProcessInfo

    from .interrupts import Interrupts
    from .stream import Sinks

__all__ = ["Follower"]

POLL_SECONDS = 30.0
MAX_BYTES = 256 * 1024
_TRIES = 5
_RESTART_SECONDS = 5.0
_PAUSE = 0.05


class Follower:
    """Shows the output of a process from a cursor on, until it has ended and nobody has started it again.

    `Interrupted` leaves `follow` only between two replies; calling it again goes on where it stopped.
    """

    def __init__(self, client: Client, process: ProcessInfo, sinks: Sinks, interrupts: Interrupts) -> None:
        self.client = client
        self.process = process
        self.sinks = sinks
        self.interrupts = interrupts
        self.run = process["run"]
        self.cursor = "start"
        self.follow_restarts = True
        self._stream: Literal["combined", "stdout", "stderr"] = "combined"
        self._format: Literal["plain", "raw"] = "raw"

    def resume(self, reply: OutputReply, params: GetProcessOutputParams) -> None:
        """Go on after a reply that was shown already, with the same stream and format."""
        self.run = reply["run"]
        self.cursor = reply["cursor"]
        self._stream = params.get("stream", self._stream)
        self._format = params.get("format", self._format)

    def switch(self, process: ProcessInfo) -> None:
        """Go on with the first byte of another run."""
        self.process = process
        self.run = process["run"]
        self.cursor = "start"

    def follow(self) -> OutputReply:
        """Show all output; returns the last reply of the last run."""
        while True:
            reply = self._follow_run()
            following = self._next_run(reply) if self.follow_restarts else None
            if following is None:
                self.sinks.close()
                self.sinks.end_line()
                return reply
            self.sinks.end_line()
            why = f": {reply['reason']}" if reply["reason"] else ""
            note(f"{reply['name']} {ending(reply)}{why}; following run {following['run']} (pid {following['pid']})")
            self.switch(following)

    def _follow_run(self) -> OutputReply:
        while True:
            reply = self._next_reply()
            self.cursor = reply["cursor"]
            if reply["missed_bytes"]:
                note(f"{reply['missed_bytes']} bytes of older output are no longer kept")
            if reply["lines"] or reply["ended"]:
                self.sinks.show(reply)
            if reply["ended"] and not reply["more"]:
                return reply

    def _next_reply(self) -> OutputReply:
        params: GetProcessOutputParams = {
            "process": self.process["name"],
            "working_directory": self.process["project_directory"],
            "run": self.run,
            "cursor": self.cursor,
            "stream": self._stream,
            "format": self._format,
            "max_bytes": MAX_BYTES,
            "wait_seconds": POLL_SECONDS,
        }
        for tried in range(1, _TRIES + 1):
            try:
                with self.interrupts:
                    return self.client.get_process_output(**params)
            except (DaemonUnavailable, ShuttingDown):
                # It died or is being replaced: the process goes on without it, and so does our cursor.
                if tried == _TRIES:
                    raise
                with self.interrupts:
                    time.sleep(_PAUSE)
        raise AssertionError("unreachable")

    def _next_run(self, reply: OutputReply) -> ProcessInfo | None:
        """The run that somebody started in place of the one that ended, if there is one."""
        if reply["state"] != "stopped":
            return None
        # A restart stops first and starts then; between the two only the reason tells that a run will follow.
        follows = (reply["reason"] or "").startswith(("restarted", "replaced"))
        deadline = time.monotonic() + (_RESTART_SECONDS if follows else 0.0)
        while True:
            try:
                with self.interrupts:
                    status = self.client.get_process_status(
                        process=self.process["name"], working_directory=self.process["project_directory"]
                    )
            except (DaemonUnavailable, ShuttingDown, ProcessNotFound):
                return None
            if status["run"] > self.run:
                return status
            if time.monotonic() >= deadline:
                return None
            with self.interrupts:
                time.sleep(_PAUSE)
