"""Keeping the twin informed: it holds what we hold, gives it to our successor, and is made anew when it dies."""

from __future__ import annotations

from .holder import Holder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .poll import Poll
    from .run import Run

__all__ = ["Holding"]


class Holding:
    """The keeper's twin as the keeper uses it. Without one, nothing is lost as long as the keeper lives."""

    def __init__(self, path: str, poll: Poll, log: Callable[[str], None], runs: Mapping[bytes, Run]) -> None:
        self._path = path
        self._poll = poll
        self._log = log
        self._runs = runs
        self._holder: Holder | None = None
        self._make()

    def hold(self, run: Run) -> None:
        """Have the FIFOs of a run held, or its terminal."""
        if self._holder is not None and run.fds:
            try:
                self._holder.hold(run.run_id, run.fds)
            except OSError:
                self._replace()

    def take(self, run_id: bytes) -> list[int]:
        """What a former keeper had held for a run; nothing when the twin died as well."""
        if self._holder is None:
            return []
        try:
            return self._holder.take(run_id)
        except OSError:
            self._replace()
            return []

    def let_go(self, run_id: bytes) -> None:
        """Have them let go."""
        if self._holder is not None:
            try:
                self._holder.drop(run_id)
            except OSError:
                self._replace()

    def _make(self) -> None:
        try:
            self._holder = Holder(self._path)
            self._poll.add(self._holder.fd, lambda ready: self._replace())
            for run in filter(lambda run: run.fds, self._runs.values()):
                self._holder.hold(run.run_id, run.fds)
        except OSError as error:
            self._log(f"no holder: {error}")
            self._close()

    def _replace(self) -> None:
        self._close()
        self._make()

    def _close(self) -> None:
        if self._holder is not None:
            self._poll.remove(self._holder.fd)
            self._holder.close()
            self._holder = None
