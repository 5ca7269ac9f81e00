"""Follow a process: its output by long polling, over restarts of the process and of the daemon."""

from __future__ import annotations

import os

from .output import note
from .succession import next_run
from .words import after_detach, because, ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from persistproc_core.protocol import GetProcessOutputParams, OutputReply, ProcessInfo

    from .stream import Sinks
    from .viewer import Viewer

__all__ = ["Follower", "say_hub_stopped"]

POLL_SECONDS = 30.0
MAX_BYTES = 256 * 1024


def say_hub_stopped(process: ProcessInfo, name: str) -> int:
    """Say that nobody shows the output any more, and how to come back; returns the exit code.

    0, as after a detach, when the process goes on without the daemon; 1 when it ended and nobody told us how.
    """
    if _is_alive(process["pid"]):
        note(f"the hub was stopped; {name} (pid {process['pid']}) still runs without it, and its output is kept")
        note(after_detach(name))
        return 0
    note(f"the hub was stopped, and {name} has ended; how, and its last output: persistproc status {name}")
    return 1


def _is_alive(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it has become another user's (sudo), but it is there
    return True


class Follower:
    """Shows the output of a process from a cursor on, until it has ended and nobody has started it again.

    `Interrupted` leaves `follow` only between two replies; calling it again goes on where it stopped.
    """

    def __init__(self, viewer: Viewer, process: ProcessInfo, sinks: Sinks) -> None:
        self.viewer = viewer
        self.process = process
        self.sinks = sinks
        self.run = process["run"]
        self.cursor = "start"
        self.follow_restarts = True
        self._stream: Literal["combined", "stdout", "stderr"] = "combined"
        self._format: Literal["plain", "ansi", "raw"] = "raw"
        self._timestamps = False
        self._end_told = False

    @property
    def pausing(self) -> bool:
        """True when the end of the run and its next start were told, and that start is waited for."""
        return self._end_told

    def resume(self, reply: OutputReply, params: GetProcessOutputParams) -> None:
        """Go on after a reply that was shown already, with the same stream, format and timestamps."""
        self.run = reply["run"]
        self.cursor = reply["cursor"]
        self._stream = params.get("stream", self._stream)
        self._format = params.get("format", self._format)
        self._timestamps = params.get("timestamps", False)

    def switch(self, process: ProcessInfo) -> None:
        """Go on with the first byte of another run."""
        self.process = process
        self.run = process["run"]
        self.cursor = "start"

    def follow(self) -> OutputReply:
        """Show all output; returns the last reply of the last run.

        Raises `HubStopped` when the daemon was stopped and does not come back: the process may well go on.
        """
        while True:
            reply = self._follow_run()
            self._end_told = False
            following = next_run(self.viewer, self.process, reply, self._tell) if self.follow_restarts else None
            if following is None:
                self.sinks.close()
                self.sinks.end_line()
                return reply
            self.sinks.end_line()
            run = f"following run {following['run']} (pid {following['pid']})"
            why = because(reply) if reply["state"] == "stopped" else ""
            note(f"{reply['name']}: {run}" if self._end_told else f"{reply['name']} {ending(reply)}{why}; {run}")
            self.switch(following)

    def _tell(self, text: str) -> None:
        self._end_told = True
        self.sinks.end_line()
        note(text)

    def _follow_run(self) -> OutputReply:
        while True:
            reply = self._next_reply()
            self.cursor = reply["cursor"]
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
            "timestamps": self._timestamps,
            "max_bytes": MAX_BYTES,
            "wait_seconds": POLL_SECONDS,
        }
        return self.viewer.read(lambda client: client.get_process_output(**params))
