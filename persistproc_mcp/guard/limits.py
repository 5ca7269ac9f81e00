"""How much one bridge takes at once, and how long it waits for the rest of a request."""

from __future__ import annotations

__all__ = [
    "BODY_SECONDS",
    "HEAD_SECONDS",
    "IDLE_SECONDS",
    "LINGER_BYTES",
    "LINGER_SECONDS",
    "MAX_BODY_BYTES",
    "MAX_CONNECTIONS",
    "MAX_FRAME_BYTES",
    "MAX_HEADERS",
    "MAX_HEAD_BYTES",
    "MAX_REQUESTS",
    "RESERVED_CONNECTIONS",
    "RESERVED_REQUESTS",
    "STALLED_SECONDS",
]

MAX_HEAD_BYTES = 16 * 1024
"""Request line and headers together."""
MAX_HEADERS = 100
MAX_BODY_BYTES = 1024 * 1024
"""Of a request; as much as a message on the daemon's socket."""
MAX_FRAME_BYTES = 64 * 1024
"""Of a WebSocket message to us."""
HEAD_SECONDS = 10.0
"""From the first byte of a request (or the connection) to the end of its headers."""
BODY_SECONDS = 30.0
"""From there to the end of its body."""
IDLE_SECONDS = 75
"""How long a connection is kept for the next request. HTTP libraries let go of theirs after 60 s or sooner, so that
a request seldom meets a connection that is being closed."""
STALLED_SECONDS = 60.0
"""How long a client may read nothing of what it is sent, once the kernel's buffers are full."""
LINGER_SECONDS = 1.0
LINGER_BYTES = 4 * 1024 * 1024
"""How much of a refused request is read and thrown away, so that the client gets to read why."""
MAX_CONNECTIONS = 256
"""Each takes a file descriptor, and one more to the daemon during a call."""
RESERVED_CONNECTIONS = 32
"""More than those, for the Unix socket alone: a port that is flooded does not cut off the command line."""
MAX_REQUESTS = 200
"""Answered at the same time, streams and WebSockets included."""
RESERVED_REQUESTS = 32
"""More than those, for the Unix socket alone."""
