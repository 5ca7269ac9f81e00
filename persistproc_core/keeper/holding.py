"""Keeping the twin informed: it holds what we hold, gives it to our successor, and is made anew when it dies."""

from __future__ import annotations

from .holder import Holder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .poll import Poll
    from .run import Run

__all__ = ["Holding"]

_ATTEMPTS = 3


class Holding:
    """The keeper's twin as the keeper uses it. Without one, nothing is lost as long as the keeper lives."""

    def __init__(
        self, path: str, poll: Poll, log: Callable[[str], None], runs: Mapping[bytes, Run], fd: int = -1
    ) -> None:
        """``fd``: the connection to a twin that has these runs already; else call `make`."""
        self._path = path
        self._poll = poll
        self._log = log
        self._runs = runs
        self._holder: Holder | None = None
        if fd >= 0:
            self._use(Holder.of(fd))

    @property
    def fd(self) -> int:
        """The connection to the twin; -1 while there is none."""
        return self._holder.fd if self._holder is not None else -1

    def make(self) -> None:
        """Have a twin, if there is none."""
        for _ in range(_ATTEMPTS):
            if self._holder is None:
                self._make()  # the first one may meet a twin that is just ending

    def listen(self) -> None:
        """Have it make its socket's file again."""
        if self._holder is not None:
            try:
                self._holder.listen()
            except OSError:
                self._replace()

    def hold(self, run: Run) -> None:
        """Have the FIFOs of a run held, or its terminal."""
        for _ in range(_ATTEMPTS):
            self.make()
            if self._holder is None or not run.fds:
                return
            try:
                self._holder.hold(run.run_id, run.fds)
                return
            except OSError:
                self._close()

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
            self._use(holder := Holder(self._path))
            for run in filter(lambda run: run.fds, self._runs.values()):
                holder.hold(run.run_id, run.fds)
        except OSError as error:
            self._log(f"no holder: {error}")
            self._close()

    def _use(self, holder: Holder) -> None:
        self._holder = holder
        self._poll.add(holder.fd, lambda ready: self._replace())

    def _replace(self) -> None:
        self._close()
        self.make()

    def _close(self) -> None:
        if self._holder is not None:
            self._poll.remove(self._holder.fd)
            self._holder.close()
            self._holder = None
