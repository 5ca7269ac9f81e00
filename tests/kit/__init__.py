"""What the tests share: a real daemon in a home of its own, raw connections, and bounded waits.

Every wait has a deadline and waits for the thing itself: a line, the end of a process, a reply.
"""

from tests.kit.daemon import Daemon, DaemonFailed
from tests.kit.guard import Guard
from tests.kit.procs import descendants, describe, is_alive, marked, unseen, wait_gone
from tests.kit.programs import numbered, program
from tests.kit.waiting import eventually, free_port, read_line, read_until
from tests.kit.wire import RawConnection, WireError

__all__ = [
    "Daemon",
    "DaemonFailed",
    "Guard",
    "RawConnection",
    "WireError",
    "descendants",
    "describe",
    "eventually",
    "free_port",
    "is_alive",
    "marked",
    "numbered",
    "program",
    "read_line",
    "read_until",
    "unseen",
    "wait_gone",
]
