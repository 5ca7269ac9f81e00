"""The gate that every request goes through: closed while the daemon is being replaced."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from ...errors import ShuttingDown

__all__ = ["Gate"]

_Result = TypeVar("_Result")


class Gate:
    """Counts the verbs under way, and can end all questions."""

    def __init__(self) -> None:
        self.closed = False
        self._verbs: list[str] = []
        self._questions: set[anyio.CancelScope] = set()
        self._none_left = anyio.Event()

    @property
    def verbs(self) -> list[str]:
        """The methods under way that change something."""
        return list(self._verbs)

    def check(self) -> None:
        """Raise `ShuttingDown` while it is closed: nothing was done, and the same may be asked again at once."""
        if self.closed:
            raise _passing()

    def enter(self, name: str) -> None:
        """A method that changes something begins: a replacement waits until it has left."""
        self._verbs.append(name)

    def leave(self, name: str) -> None:
        """It has come to its end."""
        self._verbs.remove(name)
        if not self._verbs:
            self._none_left.set()

    async def question(self, ask: Callable[[], Awaitable[_Result]]) -> _Result:
        """What ``ask()`` gives; `ShuttingDown` when the gate is closed before that."""
        self.check()
        scope = anyio.CancelScope()
        self._questions.add(scope)
        try:
            with scope:
                return await ask()
        finally:
            self._questions.discard(scope)
        # Only `close` cancels the scope; a wait of an hour must not hold up the replacement.
        raise _passing()

    def close(self) -> None:
        """Let nothing in any more, and end the questions."""
        self.closed = True
        for scope in list(self._questions):
            scope.cancel()

    def open(self) -> None:
        """Let requests in again."""
        self.closed = False

    async def quiet(self) -> None:
        """Wait until no verb is under way."""
        while self._verbs:
            self._none_left = anyio.Event()
            await self._none_left.wait()


def _passing() -> ShuttingDown:
    return ShuttingDown(
        "the daemon is being replaced by another one; nothing was done",
        hint="connect again and ask again",
        data={"again": True},
    )
