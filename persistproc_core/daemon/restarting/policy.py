"""When a run that ended by itself is started again, and after which pause. Pure: no clock, no dice, no process."""

from __future__ import annotations

from typing import NamedTuple

from ...protocol import RestartPolicy, State

__all__ = ["Backoff", "is_wanted"]

_MOST_DOUBLINGS = 60


class Backoff(NamedTuple):
    """How restarts that follow each other are spread, and when there are no more."""

    pause_seconds: float = 0.5
    """The longest pause before the first restart of a row; it doubles with each one."""
    longest_pause_seconds: float = 30.0
    reset_seconds: float = 60.0
    """A run that was up for so long ends the row."""
    limit: int = 5
    """How many restarts a row has at most."""

    def pause(self, number: int, dice: float) -> float:
        """Seconds before the ``number``-th restart of a row, from 1; ``dice`` is a random number from 0 to 1.

        With full jitter, so that processes that failed for one reason do not all come back at one moment
        (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
        """
        doubled = self.pause_seconds * 2.0 ** min(number - 1, _MOST_DOUBLINGS)
        return dice * min(self.longest_pause_seconds, doubled)

    def following(self, restarts: int, up_seconds: float) -> int | None:
        """The number of the next restart after a run that ``restarts`` of them led to; None: it is given up.

        Only the time that a run was up ends a row, the pauses do not count: however long they are, a command that
        cannot run comes to the limit.
        """
        number = 1 if up_seconds >= self.reset_seconds else restarts + 1
        return number if number <= self.limit else None


def is_wanted(policy: RestartPolicy, state: State, *, stopped: bool) -> bool:
    """Whether a run that has ended in this state is started again.

    ``stopped``: somebody asked for its end. A signal that was sent to it is not a stop, whoever sent it.
    """
    if stopped or policy == "never":
        return False
    return policy == "always" or state in ("failed", "lost")
