"""Ups and downs of one project that meet: each is done whole, and what a down has stopped stays so.

An up that came into the middle of a down would leave what already runs as it is, begin what was stopped a moment ago,
and lose to the down, one after the other, what that needs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

import anyio

from ...errors import StartFailed

__all__ = ["Crossing", "Stopped"]

_Entry = TypeVar("_Entry")


class Stopped:
    """What a down has taken away from an up that was under way."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._all: str | None = None

    def add(self, names: Collection[str] | None, reason: str) -> None:
        """These (None: all) are not to be started any more."""
        if names is None:
            self._all = self._all or reason
        else:
            self._names.update(dict.fromkeys(names, reason))

    def reason(self, name: str) -> str | None:
        """Why it is not to be started; None: it may be."""
        return self._names.get(name, self._all)


class Crossing:
    """Knows which are under way."""

    def __init__(self) -> None:
        self._ups: dict[str, list[Stopped]] = {}
        self._downs: dict[str, list[anyio.Event]] = {}

    @contextmanager
    def down(self, project_directory: str, names: Collection[str] | None, reason: str) -> Iterator[None]:
        """Within it one goes down: the ups of before start nothing of it any more, and later ones wait."""
        for stopped in self._ups.get(project_directory, ()):
            stopped.add(names, reason)
        over = anyio.Event()
        with _listed(self._downs, project_directory, over):
            try:
                yield
            finally:
                over.set()

    async def downs_over(self, project_directory: str, deadline: float) -> None:
        """Return when none is under way. Raises `StartFailed` at the deadline (of the event loop's clock)."""
        with anyio.move_on_at(deadline):
            while downs := self._downs.get(project_directory):
                await downs[0].wait()
            return
        raise StartFailed(
            f"{project_directory} is being taken down, and that is not over yet; nothing was started",
            hint="ask again in a moment; persistproc list shows what still runs",
        )

    @contextmanager
    def up(self, project_directory: str) -> Iterator[Stopped]:
        """Within it one goes up: what is taken away from it."""
        stopped = Stopped()
        with _listed(self._ups, project_directory, stopped):
            yield stopped


@contextmanager
def _listed(lists: dict[str, list[_Entry]], key: str, entry: _Entry) -> Iterator[None]:
    lists.setdefault(key, []).append(entry)
    try:
        yield
    finally:
        lists[key].remove(entry)
        if not lists[key]:
            del lists[key]
