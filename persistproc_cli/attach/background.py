"""A thread for calls to the daemon, so that the keyboard is heard however long a call takes."""

from __future__ import annotations

import collections
import os
import queue
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Result = TypeVar("Result")

__all__ = ["Background"]


class Background:
    """Does one job after the other in a thread; what comes of them is taken up by `collect`, in the caller's thread.

    `fileno` is readable when there is something to collect. The thread ends with the program: a call that hangs must
    not keep the terminal. So its pipe is never closed; another file could get the number while the thread writes to it.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], Callable[[], None]]] = queue.SimpleQueue()
        self._outcomes: collections.deque[Callable[[], None]] = collections.deque()
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._thread: threading.Thread | None = None

    def fileno(self) -> int:
        """For `select`."""
        return self._reader

    def submit(self, job: Callable[[], Result], then: Callable[[Result], None]) -> None:
        """Do ``job`` in the thread, and ``then`` with its result in `collect`, which raises what the job raised."""

        def outcome() -> Callable[[], None]:
            try:
                result = job()
            except BaseException as error:
                return _raising(error)
            return lambda: then(result)

        self._jobs.put(outcome)
        if self._thread is None:
            # Not before: the guard is forked from a process with one thread.
            self._thread = threading.Thread(target=self._work, name="calls", daemon=True)
            self._thread.start()

    def collect(self) -> None:
        """Take up what is done."""
        try:
            os.read(self._reader, 4096)
        except BlockingIOError:
            pass
        while self._outcomes:
            self._outcomes.popleft()()

    def _work(self) -> None:
        while True:
            self._outcomes.append(self._jobs.get()())
            os.write(self._writer, b"x")


def _raising(error: BaseException) -> Callable[[], None]:
    def again() -> None:
        raise error

    return again
