"""The states of a run, as data: every transition that may happen stands in one table.

The page about processes shows this table; it is made from here.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from ..protocol import State

__all__ = ["ENDED", "LIVE", "TRANSITIONS", "Event", "next_state"]


class Event(Enum):
    """What can happen to a run."""

    SPAWNED = "spawned"
    """exec succeeded"""
    STOP_ASKED = "stop asked"
    """somebody asked for the end"""
    EXITED_ZERO = "exited with 0"
    """the leader exited with 0"""
    EXITED_OTHERWISE = "exited otherwise"
    """the leader exited with another code, or a signal ended it"""
    VANISHED = "vanished"
    """the leader is gone and nobody knows how it ended (reboot, or the keeper died)"""


TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    ("starting", Event.SPAWNED): "running",
    ("starting", Event.STOP_ASKED): "stopping",
    ("starting", Event.EXITED_ZERO): "exited",
    ("starting", Event.EXITED_OTHERWISE): "failed",
    ("starting", Event.VANISHED): "lost",
    ("running", Event.STOP_ASKED): "stopping",
    ("running", Event.EXITED_ZERO): "exited",
    ("running", Event.EXITED_OTHERWISE): "failed",
    ("running", Event.VANISHED): "lost",
    ("stopping", Event.SPAWNED): "stopping",
    ("stopping", Event.STOP_ASKED): "stopping",
    ("stopping", Event.EXITED_ZERO): "stopped",
    ("stopping", Event.EXITED_OTHERWISE): "stopped",
    ("stopping", Event.VANISHED): "stopped",
}
"""State and event to the next state. What is not here cannot happen."""

LIVE: Final[frozenset[State]] = frozenset({"starting", "running", "stopping"})
ENDED: Final[frozenset[State]] = frozenset({"stopped", "exited", "failed", "lost"})


def next_state(state: State, event: Event) -> State:
    """The state after an event. Raises `AssertionError` for what the table says cannot happen."""
    following = TRANSITIONS.get((state, event))
    assert following is not None, f"a run that is {state} cannot be {event.value}"
    return following
