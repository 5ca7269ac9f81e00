"""Moving what runs write and what is typed to them, as the loop finds it ready."""

from __future__ import annotations

import time

from .capture import WIDE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .poll import Poll
    from .run import Run

__all__ = ["STARVED_SECONDS", "Streams"]

STARVED_SECONDS = 0.05
"""So long rests what needs a descriptor when none is free."""

_HOT_RUNS = 200
_MARKED_SECONDS = 0.05

# A stream that is read again within 1.5 ms rests for 1 ms, unless the other one grew in the last 10 ms: their order
# is told by which was read first. Measured with a line a write: a fifth of the keeper's time, and twice the speed.
_QUICK = 0.0015
_REST = 0.001
_ALONE = 0.01


class Streams:
    """The streams of all runs."""

    def __init__(self, poll: Poll, grown: Callable[[Run], None]) -> None:
        """``grown(run)`` is called after each look at a stream."""
        self._poll = poll
        self._grown = grown
        self._hot: dict[bytes, Run] = {}

    def add(self, run: Run) -> None:
        """Move the bytes of a run from now on."""
        self.look_again(run)
        if run.typing is not None:
            self._poll.add(run.typing.fd, lambda ready: self._typed(run))

    def look_again(self, run: Run) -> None:
        """Move its bytes again where there was no writer any more: another one may have come."""
        for index, capture in enumerate(run.captures):
            if capture.fd >= 0 and not self._poll.has(capture.fd):
                self._poll.add(capture.fd, lambda ready, index=index: self._readable(run, index))  # type: ignore[misc]

    def remove(self, run: Run) -> None:
        """Do not look at a run any more."""
        for capture in run.captures:
            self._poll.remove(capture.fd)
        self._stop_typing(run)
        self._poll.forget(run.run_id)
        run.cool()
        self._hot.pop(run.run_id, None)

    def settle(self) -> None:
        """Close all that opens again by itself, with every mark written."""
        for cold in list(self._hot):
            self._cool(cold)

    def _readable(self, run: Run, index: int) -> None:
        self._heat(run)
        # What rests was written before what is read now: the other way round the two streams would change places.
        rested = self._poll.is_resting(run.captures[1 - index].fd)
        moved = run.turn(1 - index if rested else index, rested=rested)
        if not moved[index] and not run.captures[index].starved:
            moved[index] = run.drain(index)
        if run.captures[index].starved:
            # Every descriptor is in use: make some free, and let the child wait a moment rather than lose its output.
            self.settle()
            self._poll.rest(run.captures[index].fd, STARVED_SECONDS)
        elif moved[index] < 0:
            self._at_end(run, index)
        self._pace(run, index, moved)
        if run.marks.due:
            # The next bytes may come in an hour: they must not be what tells when these came.
            self._poll.later(run.run_id, _MARKED_SECONDS, run.marks.flush)
        self._grown(run)

    def _at_end(self, run: Run, index: int) -> None:
        # No writer is left, and poll would report that for ever.
        if run.captures[index].is_terminal:
            self._poll.await_change(run.captures[index].fd)
        elif run.report < 0:  # while it starts, the child has yet to open it
            self._poll.remove(run.captures[index].fd)

    def _pace(self, run: Run, index: int, moved: list[int]) -> None:
        now = time.monotonic()
        if moved[index] > 0:
            capture = run.captures[index]
            if moved[index] >= WIDE // 2:
                capture.widen()
            if capture.is_terminal:
                self._reopened(run)
            alone = not moved[1 - index] and now - run.drained[1 - index] > _ALONE
            if alone and moved[index] < WIDE and now - run.drained[index] < _QUICK:
                self._poll.rest(capture.fd, _REST)
        for each in (0, 1):
            if moved[each] > 0:
                run.drained[each] = now

    def _heat(self, run: Run) -> None:
        # A thousand quiet runs must not hold three thousand descriptors for files that nobody writes.
        self._hot.pop(run.run_id, None)
        self._hot[run.run_id] = run
        if len(self._hot) > _HOT_RUNS:
            self._cool(next(iter(self._hot)))

    def _cool(self, run_id: bytes) -> None:
        self._hot.pop(run_id).cool()

    # --- what is typed ------------------------------------------------------------------------------------------------

    def _typed(self, run: Run) -> None:
        typing = run.typing
        if typing is None:
            return
        try:
            done = typing.pump()
        except OSError:
            # No process has the terminal open. What is typed waits for one that opens it, and for the end.
            self._stop_typing(run)
            return
        if done == self._poll.has(typing.out):
            # What the terminal does not take now is asked for when it takes more; nothing is read meanwhile.
            self._stop_typing(run)
            self._poll.add(typing.fd if done else typing.out, lambda ready: self._typed(run), writing=not done)

    def _stop_typing(self, run: Run) -> None:
        if run.typing is not None:
            self._poll.remove(run.typing.fd)
            self._poll.remove(run.typing.out)

    def _reopened(self, run: Run) -> None:
        """Something came from a terminal: it is open, maybe again."""
        self._poll.await_data(run.captures[0].fd)
        if run.typing is not None and not self._poll.has(run.typing.fd) and not self._poll.has(run.typing.out):
            self._poll.add(run.typing.out, lambda ready: self._typed(run), writing=True)
