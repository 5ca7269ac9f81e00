"""``restart --all``: what others need comes first, and they wait until it is ready again."""

from __future__ import annotations

from persistproc_core.errors import MethodNotFound, PersistprocError, ProjectInvalid, ProjectNotFound, StartFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Protocol

    from persistproc_core.client.sync import Client
    from persistproc_core.protocol import RestartReply

    class Restart(Protocol):
        """Restarts a process; with ``wait`` it returns when it is known whether that is ready."""

        def __call__(self, name: str, *, wait: bool) -> RestartReply: ...


__all__ = ["InOrder", "needs_of"]


def needs_of(client: Client) -> dict[str, list[str]]:
    """What each process of the project's file needs; nothing where there is no file, or a wrong one."""
    try:
        project = client.get_project()
    except (ProjectNotFound, ProjectInvalid, MethodNotFound):
        return {}
    return {process["name"]: list(process["needs"]) for process in project["processes"]}


def _nearest(name: str, needs: Mapping[str, Collection[str]], names: Collection[str]) -> list[str]:
    """Which of the names it needs, directly or by what is not restarted: a migration that has completed."""
    found: dict[str, None] = {}
    left, seen = list(needs.get(name, ())), {name}
    while left:
        needed = left.pop(0)
        if needed in names:
            found[needed] = None
        elif needed not in seen:
            seen.add(needed)
            left += needs.get(needed, ())
    return list(found)


class InOrder:
    """Restarts of several processes, each in a thread of its own."""

    def __init__(self, names: Sequence[str], needs: Mapping[str, Collection[str]], restart: Restart) -> None:
        from threading import Event

        self._restart = restart
        self._needs = {name: _nearest(name, needs, names) for name in names}
        self._needed = {name for needed in self._needs.values() for name in needed}
        self._over = {name: Event() for name in names}
        self._missing: set[str] = set()
        self.names = self._sorted()
        """All of them, each after what it needs: where threads are fewer, none waits for one that has none yet."""

    def __call__(self, name: str) -> RestartReply:
        """Restart one, once all that it needs is ready. Raises what `Restart` raises, and `StartFailed`."""
        try:
            self._await_needs(name)
            reply = self._restart(name, wait=name in self._needed)
        except PersistprocError:
            self._missing.add(name)
            raise
        else:
            readiness = reply["readiness"]
            if readiness is not None and readiness["outcome"] not in ("ready", "exited"):
                self._missing.add(name)
            return reply
        finally:
            self._over[name].set()

    def _await_needs(self, name: str) -> None:
        for needed in self._needs[name]:
            self._over[needed].wait()
            if needed in self._missing:
                hint = f"see: persistproc logs {needed}"
                raise StartFailed(f"{name} was not restarted: {needed}, which it needs, is not ready", hint=hint)

    def _sorted(self) -> list[str]:
        placed: list[str] = []
        for name in self._needs:
            self._place(name, placed)
        return placed

    def _place(self, name: str, placed: list[str]) -> None:
        if name not in placed:
            for needed in self._needs[name]:  # never in a circle: such a file is refused
                self._place(needed, placed)
            placed.append(name)
