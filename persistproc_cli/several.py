"""``logs -f`` of several processes: one subscription, over restarts of the processes and of the daemon."""

from __future__ import annotations

import time

from persistproc_core.errors import DaemonUnavailable

from .followed import Followed
from .history import History, show_history
from .interrupts import Interrupted, Interrupts
from .output import note
from .selection import MAX_LINES
from .sift import Pattern
from .sources import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from persistproc_core.client.subscription import Subscription
    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import (
        Event,
        FollowedProcess,
        FollowProcessOutputParams,
        FollowReply,
        GetProcessOutputParams,
        OutputReply,
        ProcessOutput,
    )

    from .lines import JsonLines, LineSink
    from .selection import Selection
    from .words import Named

__all__ = ["follow_several"]

# How long the beginning of a line waits for its end.
_QUIET_SECONDS = 0.2


def follow_several(
    client: Client,
    selection: Selection,
    sources: Sequence[Source],
    sink: LineSink | JsonLines,
    *,
    everywhere: bool | None,
) -> int:
    """Show what is selected, then what comes; returns the exit code.

    ``everywhere`` None: the sources alone. Else also what is started later, in this project or in every one.
    """
    several = _Several(client, selection, sink, everywhere)
    try:
        several.begin(sources)
        several.follow()
    except Interrupted as interrupted:
        sink.close()
        return 128 + interrupted.number
    sink.close()
    return 0


class _Several:
    def __init__(
        self, client: Client, selection: Selection, sink: LineSink | JsonLines, everywhere: bool | None
    ) -> None:
        self._client = client
        self._selection = selection
        self._sink = sink
        self._everywhere = everywhere
        self._interrupts = Interrupts()
        self._pattern = Pattern(selection) if selection.pattern is not None else None
        self._followed: dict[tuple[str, str], Followed] = {}
        self._over = False

    def begin(self, sources: Sequence[Source]) -> None:
        """Show what there is, and remember where each one's log is then."""
        histories = [History(source, self._selection, self._ask, self._selection.params) for source in sources]
        show_history(histories, self._sink)
        for history in histories:
            followed = self._follow(history.source)
            followed.cursor, followed.run = history.cursor, history.run
            # Who looks at a whole project need not be told again of all that has ever ended there.
            followed.live = self._everywhere is None or history.source.live

    def _follow(self, source: Source) -> Followed:
        followed = self._followed[source.key] = Followed(source, self._sink, self._pattern)
        return followed

    def _ask(self, page: GetProcessOutputParams) -> OutputReply:
        self._sink.flush()
        with self._interrupts:
            return self._client.get_process_output(**page)

    def follow(self) -> None:
        """Show what comes, until all that was named has ended, or the daemon was stopped."""
        try:
            with self._interrupts:
                subscription = self._subscribe()
            with subscription:
                for process in subscription.reply["processes"]:
                    self._catch_up(process)
                self._receive(subscription)
        except DaemonUnavailable:
            self._sink.note("the hub was stopped; what runs goes on without it, and its output is kept")
            note("come back with: persistproc logs -f")

    def _subscribe(self) -> Subscription[FollowReply]:
        params: FollowProcessOutputParams = {
            "cursors": {followed.source.target: followed.cursor for followed in self._followed.values()},
            "stream": self._selection.params.get("stream", "combined"),
            "format": self._selection.params.get("format", "plain"),
            "timestamps": True,
        }
        if self._everywhere is None:
            params["processes"] = [followed.source.target for followed in self._followed.values()]
        elif self._everywhere:
            params["all_projects"] = True
        return self._client.follow_process_output(**params)

    def _catch_up(self, process: FollowedProcess) -> None:
        """Show what a process printed that was started after the list was made and before the subscription began."""
        if (process["project_directory"], process["name"]) in self._followed:
            return
        followed = self._newcomer(process, process["run"])
        page: GetProcessOutputParams = {**self._selection.params, "process": followed.source.target, "head": MAX_LINES}
        page["before"], page["cursor"] = process["cursor"], "start"
        page.pop("since", None)
        more = True
        while more:
            reply = self._ask(page)
            followed.show(reply["lines"], reply["missed_bytes"])
            more, page["cursor"] = reply["more"] and reply["cursor"] != page["cursor"], reply["cursor"]

    def _newcomer(self, process: Named, run: int) -> Followed:
        return self._follow(Source(process, run=run, live=True))

    def _receive(self, subscription: Subscription[FollowReply]) -> None:
        while not self._over:
            with self._interrupts:
                message = subscription.receive(0)
            if message is None:
                self._sink.flush()
                with self._interrupts:
                    message = subscription.receive(self._patience())
            if message is None:
                if subscription.ended is not None:
                    self._over = True
                    return
                self._quiet()
            elif message.output is not None:
                self._output(message.output)
            elif message.event is not None:
                self._event(message.event)

    def _patience(self) -> float | None:
        """How long to wait for the next message: until a beginning is shown, or a restart is given up."""
        deadlines = [followed.deadline for followed in self._followed.values() if followed.deadline is not None]
        if any(followed.joiner for followed in self._followed.values()):
            return _QUIET_SECONDS
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _quiet(self) -> None:
        now = time.monotonic()
        for followed in self._followed.values():
            followed.show_begun()
            if followed.deadline is not None and now >= followed.deadline:
                followed.give_up()
        self._look_whether_over()

    def _output(self, output: ProcessOutput) -> None:
        followed = self._followed.get((output["project_directory"], output["name"]))
        if followed is None:
            followed = self._newcomer(output, output["run"])
        followed.run = output["run"]
        followed.show(output["lines"], output["missed_bytes"])

    def _event(self, event: Event) -> None:
        followed = self._followed.get((event["project_directory"], event["name"]))
        if followed is None:
            # Its run is still to begin: this event tells it.
            followed = self._newcomer(event, event["run"] - 1)
        followed.happened(event)
        self._look_whether_over()

    def _look_whether_over(self) -> None:
        if self._everywhere is None:
            self._over = not any(
                followed.live or followed.deadline or followed.planned for followed in self._followed.values()
            )
