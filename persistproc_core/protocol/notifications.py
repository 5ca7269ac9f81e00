"""What the daemon says without being asked."""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from typing_extensions import TypedDict

from .results import Hello
from .shared import Event, OutputLine

__all__ = [
    "NOTIFICATIONS",
    "Notification",
    "ProcessEvent",
    "ProcessOutput",
    "SubscriptionEnded",
]


class ProcessOutput(TypedDict):
    """What a followed process printed."""

    subscription: str
    name: str
    project: str
    project_directory: str
    run: int
    lines: Annotated[list[OutputLine], "Oldest first."]
    cursor: Annotated[str, "Follow again with it to go on after these lines."]
    lossy: Annotated[bool, "True when bytes that are not UTF-8 were replaced in the text."]
    missed_bytes: Annotated[int, "Bytes before these lines that retention had already deleted."]


class ProcessEvent(TypedDict):
    """What happened to a process that is watched or followed."""

    subscription: str
    event: Event


class SubscriptionEnded(TypedDict):
    """A subscription ended by itself: everything that it named was removed."""

    subscription: str
    reason: str


class Notification(NamedTuple):
    """One notification of the daemon."""

    name: str
    summary: str
    params: type


NOTIFICATIONS: Final[dict[str, Notification]] = {
    notification.name: notification
    for notification in (
        Notification("hello", "The first line on every connection.", Hello),
        Notification("process_output", "A followed process printed something.", ProcessOutput),
        Notification("process_event", "Something happened to a watched or followed process.", ProcessEvent),
        Notification("subscription_ended", "A subscription ended by itself.", SubscriptionEnded),
    )
}
"""Every notification, by name."""
