"""The methods of the protocol: each takes validated parameters and gives the declared result."""

from __future__ import annotations

from typing import Any

from ..deeds import Deeds
from ..dispatch import Handler
from ..handover.gate import Gate
from ..kernel.peer import Peer
from ..readiness.awaiting import Awaiting
from .of_daemon import OfDaemon
from .of_projects import OfProjects
from .questions import Questions
from .subscribing import Subscribing
from .verbs import Verbs

__all__ = ["Methods"]


class Methods:
    """Which handler each method has, and what becomes of it when its caller hangs up or the daemon is replaced."""

    def __init__(
        self,
        *,
        verbs: Verbs,
        questions: Questions,
        subscribing: Subscribing,
        of_projects: OfProjects,
        of_daemon: OfDaemon,
        awaiting: Awaiting,
        deeds: Deeds,
        gate: Gate,
    ) -> None:
        self._verbs = verbs
        self._questions = questions
        self._subscribing = subscribing
        self._of_projects = of_projects
        self._of_daemon = of_daemon
        self._awaiting = awaiting
        self._deeds = deeds
        self._gate = gate

    def handlers(self) -> dict[str, Handler]:
        """A handler for each declared method."""
        return {
            "start_process": self._awaiting.after(self._to_end(self._verbs.start_process)),
            "stop_process": self._to_end(self._verbs.stop_process),
            "restart_process": self._awaiting.after(self._to_end(self._verbs.restart_process)),
            "list_processes": self._question(self._questions.list_processes),
            "get_process_status": self._question(self._questions.get_process_status),
            "get_process_output": self._question(self._questions.get_process_output),
            "follow_process_output": self._question(self._subscribing.follow_process_output),
            "watch_processes": self._question(self._subscribing.watch_processes),
            "get_news": self._question(self._questions.get_news),
            "cancel_subscription": self._question(self._subscribing.cancel_subscription),
            "set_mark": self._question(self._questions.set_mark),
            "list_marks": self._question(self._questions.list_marks),
            "get_process_log_paths": self._question(self._questions.get_process_log_paths),
            "wait_for_process": self._question(self._questions.wait_for_process),
            "send_process_input": self._to_end(self._verbs.send_process_input),
            "resize_terminal": self._question(self._verbs.resize_terminal),
            "capture_process": self._to_end(self._verbs.capture_process),
            "signal_process": self._to_end(self._verbs.signal_process),
            "protect_process": self._to_end(self._verbs.protect_process),
            "configure_process": self._to_end(self._verbs.configure_process),
            "remove_process": self._to_end(self._verbs.remove_process),
            "prune_processes": self._to_end(self._verbs.prune_processes),
            "get_project": self._question(self._of_projects.get_project),
            "start_project": self._question(self._of_projects.start_project),
            "stop_project": self._to_end(self._of_projects.stop_project),
            "get_port": self._question(self._questions.get_port),
            "adopt_process": self._to_end(self._verbs.adopt_process),
            "get_daemon_status": self._question(self._of_daemon.get_daemon_status),
            "shutdown_daemon": self._to_end(self._of_daemon.shutdown_daemon),
            "replace_daemon": self._to_end(self._of_daemon.replace_daemon, awaited=False),
            "rpc.discover": self._question(self._of_daemon.discover),
        }

    def _question(self, handler: Handler) -> Handler:
        """What changes nothing is cut short when the daemon is replaced, and asked again."""

        async def handle(params: Any, peer: Peer) -> object:
            return await self._gate.question(lambda: handler(params, peer))

        return handle

    def _to_end(self, handler: Handler, *, awaited: bool = True) -> Handler:
        """What changes something goes on when its caller hangs up: half a stop would be worse than either whole.

        ``awaited``: a replacement of the daemon waits for it.
        """
        name = getattr(handler, "__name__", "_")

        async def handle(params: Any, peer: Peer) -> object:
            return await self._deeds.run(name, lambda: handler(params, peer), awaited=awaited)

        return handle
