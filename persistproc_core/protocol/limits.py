"""The version of the protocol and its limits."""

from __future__ import annotations

from typing import Final

from ..framing import MAX_DEPTH, MAX_MESSAGE_BYTES

__all__ = [
    "LIMITS",
    "MAX_BATCH",
    "MAX_CONNECTIONS",
    "MAX_CONTEXT_LINES",
    "MAX_FOLLOWED",
    "MAX_IN_FLIGHT",
    "MAX_OUTPUT_BYTES",
    "MAX_OUTPUT_LINES",
    "MAX_POLL_SECONDS",
    "MAX_SUBSCRIPTIONS",
    "MAX_WAIT_SECONDS",
    "OLDEST_PROTOCOL",
    "PROTOCOL_VERSION",
]

PROTOCOL_VERSION: Final = 1
"""Raised when a client of the former version would miss something: a method, or another meaning of a field."""

OLDEST_PROTOCOL: Final = 1
"""The oldest version whose clients are served. Of any version, the hello and these methods keep their form for ever:
get_daemon_status, replace_daemon and shutdown_daemon."""

MAX_BATCH = 16
MAX_CONNECTIONS = 256
MAX_IN_FLIGHT = 8
MAX_OUTPUT_BYTES = 256 * 1024
MAX_OUTPUT_LINES = 10_000
MAX_WAIT_SECONDS = 3600.0
MAX_POLL_SECONDS = 60.0
MAX_CONTEXT_LINES = 100
MAX_FOLLOWED = 100
MAX_SUBSCRIPTIONS = 16

LIMITS: Final[dict[str, tuple[int | float, str]]] = {
    "message_bytes": (MAX_MESSAGE_BYTES, "longest request line; a longer one ends the connection"),
    "depth": (MAX_DEPTH, "deepest nesting of arrays and objects in a request"),
    "batch": (MAX_BATCH, "most requests in one batch"),
    "connections": (MAX_CONNECTIONS, "most connections at a time; one more waits to be accepted"),
    "in_flight": (MAX_IN_FLIGHT, "most requests of one connection at work; the next is read when one is answered"),
    "output_bytes": (MAX_OUTPUT_BYTES, "most bytes of output in one reply"),
    "output_lines": (MAX_OUTPUT_LINES, "most lines of output in one reply"),
    "wait_seconds": (MAX_WAIT_SECONDS, "longest timeout of wait_for_process"),
    "poll_seconds": (MAX_POLL_SECONDS, "longest wait_seconds of get_process_output"),
    "context_lines": (MAX_CONTEXT_LINES, "most lines before and after one that matches grep"),
    "subscriptions": (MAX_SUBSCRIPTIONS, "most subscriptions of one connection"),
    "followed": (MAX_FOLLOWED, "most processes that one subscription names"),
}
"""Every limit of the protocol, with what happens at it."""
