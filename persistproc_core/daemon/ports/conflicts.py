"""Ports that somebody else holds: told before a start, with who it is and what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio.to_thread

from ...errors import PortTaken
from ...protocol import Holder, PortWish
from ..registry import Registry
from .free import is_held
from .holders import Holders, who
from .wishes import is_auto, name_of, required

__all__ = ["Conflicts"]


class Conflicts:
    """Looks for them. Nothing is changed."""

    def __init__(self, holders: Holders, registry: Registry) -> None:
        self._holders = holders
        self._registry = registry

    async def check(
        self, project_directory: str, process_name: str, wishes: Sequence[PortWish], assigned: Mapping[str, int]
    ) -> None:
        """Raises `PortTaken` when somebody else holds one of its ports. What it may do without is not looked at.

        Its own run does not count: whoever starts a process in its place ends that one first.
        """
        auto = {name_of(wish) for wish in wishes if is_auto(wish)}
        for name, port in required(wishes, assigned).items():
            if await anyio.to_thread.run_sync(is_held, port):
                await self._check_holders(project_directory, process_name, port, auto=name in auto)
            elif claims := self._holders.claimed(port, project_directory, process_name):
                raise _taken(port, claims, auto=name in auto, listens=False)

    async def _check_holders(self, project_directory: str, process_name: str, port: int, *, auto: bool) -> None:
        others = await self._holders.others(port, project_directory, process_name)
        if others:
            raise _taken(port, others[0], auto=auto)
        if self._is_present(project_directory, process_name):
            return
        # A socket that has it and does not listen, or one that was closed just now.
        if await anyio.to_thread.run_sync(is_held, port):
            raise _taken(port, None, auto=auto)

    def _is_present(self, project_directory: str, process_name: str) -> bool:
        process = self._registry.get(project_directory, process_name)
        return process is not None and any(run.present for run in process.runs)


def _taken(port: int, holder: Holder | None, *, auto: bool, listens: bool = True) -> PortTaken:
    return PortTaken(
        f"port {port} is taken: {_holds(holder, listens)}; nothing was started",
        hint=_hint(port, holder, auto=auto),
        data={"port": port, "holder": holder},
    )


def _holds(holder: Holder | None, listens: bool) -> str:
    if holder is None:
        return "a socket has it that does not listen (an outgoing connection?)"
    text = f"{who(holder)} {'listens' if listens else 'is about to listen'} on it"
    by = holder["started_by"]
    if holder["kind"] == "process" and by is not None:
        return f"{text}, started by {by['name']} in {holder['working_directory']}"
    if holder["kind"] == "stranger":
        where = f" in {holder['working_directory']}" if holder["working_directory"] else ""
        return f"{text}{where}; persistproc did not start it"
    return text


def _hint(port: int, holder: Holder | None, *, auto: bool) -> str:
    # A restart keeps its ports; a start moves those that are free ones anyway.
    free = "start it instead of restarting it: it then gets another port" if auto else "take a free port: --port auto"
    if holder is None:
        return f"try again in a moment, or {free}"
    if holder["kind"] == "process":
        return f"use that one, stop it with persistproc stop {holder['project']}/{holder['name']}, or {free}"
    if holder["kind"] == "stranger":
        end = f"end it with kill {holder['pid']}"
        return f"take it into the list with persistproc adopt :{port}, {end}, or {free}"
    return f"sudo ss -ltnp 'sport = :{port}' tells who it is, docker ps the ports of containers; or {free}"
