"""Ports that are kept for a process: the same over its restarts, the daemon's and the machine's, and no other's.

A lease belongs to (project directory, process, name of the port). It is on the disk before anybody is told of it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Sequence

import anyio
import anyio.to_thread

from ...errors import PortTaken, StorageFailed
from ...protocol import Holder, PortWish
from ..home.guard import HomeGuard
from ..log import Log
from ..registry import Registry
from . import lease_file
from .free import is_free, span
from .holders import Holders, who
from .lease_file import Key
from .wishes import DEFAULT_NAME, is_auto, name_of

__all__ = ["Leases"]

_MANY = 5000
"""With more leases than this, those whose project is gone are given up."""


class Leases:
    """Gives ports, and knows to whom."""

    def __init__(self, path: str, guard: HomeGuard, registry: Registry, holders: Holders, log: Log) -> None:
        """Nothing is read before the first question: the daemon that we replace may still write."""
        self._path = path
        self._guard = guard
        self._registry = registry
        self._holders = holders
        self._log = log
        self._lock = anyio.Lock()
        self._leases: dict[Key, int] | None = None
        self._moved: dict[tuple[str, str], dict[str, str]] = {}

    async def assign(
        self,
        project_directory: str,
        process_name: str,
        wishes: Sequence[PortWish],
        *,
        moving: bool = True,
        avoid: Collection[int] = (),
    ) -> dict[str, int]:
        """The ports of a process by their names, in the order of the wishes.

        A lease whose port somebody else holds by now moves to another port, unless ``moving`` is False; `take_moved`
        tells of it. ``avoid``: ports that others are to have. Raises `PortTaken` when no port is left, and
        `StorageFailed`.
        """
        fixed = {name_of(wish): wish["port"] for wish in wishes if not is_auto(wish)}
        avoided = {*fixed.values(), *avoid}
        async with self._lock:
            leases = await self._loaded() if len(fixed) < len(wishes) else {}
            given: dict[Key, int] = {}
            for wish in wishes:
                key = Key(project_directory, process_name, name_of(wish))
                if is_auto(wish) and (port := await self._new(key, wish, {**leases, **given}, avoided, moving)):
                    given[key] = port
            if given:
                await self._keep({**leases, **given})
        known = self._leases or {}
        names = [name_of(wish) for wish in wishes]
        return {name: fixed.get(name) or known[Key(project_directory, process_name, name)] for name in names}

    async def _new(
        self, key: Key, wish: PortWish, leases: dict[Key, int], avoided: set[int], moving: bool
    ) -> int | None:
        """The port that it is to have from now on; None: the one that it has."""
        old = leases.get(key)
        holder = await self._stranger_at(key, old) if old is not None and moving else None
        if old is not None and holder is None and old not in avoided:
            return None
        taken = {*leases.values(), *self._reserved(key), *avoided}
        port = await anyio.to_thread.run_sync(_first_free, key, wish.get("prefer"), taken)
        if old is not None and holder is not None:
            named = "" if key.name == DEFAULT_NAME else f" for {key.name}"
            reason = f"port {port}{named} instead of {old}, which is held by {who(holder)}"
            self._moved.setdefault(key[:2], {})[key.name] = reason
            self._log.info("lease.moved", process=key.process, name=key.name, old=old, new=port)
        return port

    def take_moved(self, project_directory: str, process_name: str) -> str:
        """Why its ports are others than before, told once; else nothing."""
        return "; ".join(self._moved.pop((project_directory, process_name), {}).values())

    async def leased_to(self, port: int) -> Key | None:
        """For whom it is kept."""
        async with self._lock:
            leases = await self._loaded()
        return next((key for key, leased in leases.items() if leased == port), None)

    async def restore(self) -> bool:
        """Write the file again, which somebody has deleted; False: there was nothing in it. Raises `OSError`."""
        async with self._lock:
            if self._leases:
                await anyio.to_thread.run_sync(self._write, self._leases)
            return bool(self._leases)

    async def _stranger_at(self, key: Key, port: int) -> Holder | None:
        """Who else has it."""
        if await anyio.to_thread.run_sync(is_free, port):
            return None
        others = await self._holders.others(port, key.project_directory, key.process)
        return others[0] if others else None

    def _reserved(self, key: Key) -> Iterator[int]:
        """Ports of other processes, fixed ones among them; those of this one move with its leases."""
        for process in self._registry:
            if (process.project_directory, process.name) != key[:2] and process.current is not None:
                yield from dict(process.current.settings.assigned_ports).values()

    async def _loaded(self) -> dict[Key, int]:
        if self._leases is None:
            try:
                found, problem = await anyio.to_thread.run_sync(lease_file.load, self._path)
            except OSError as error:
                raise _unwritten(self._path, error, "read") from None
            if problem:
                self._log.warning("leases.unreadable", problem=problem)
            self._leases = {**self._remembered(set(found.values())), **found}
        return self._leases

    def _remembered(self, known: set[int]) -> dict[Key, int]:
        """What the records of the processes tell of leases, should the file be lost."""
        found: dict[Key, int] = {}
        for process in self._registry:
            settings = process.current.settings if process.current is not None else None
            for name, port in settings.assigned_ports if settings is not None else ():
                auto = settings is not None and any(name_of(w) == name and is_auto(w) for w in settings.ports)
                if auto and port not in known:
                    known.add(port)
                    found[Key(process.project_directory, process.name, name)] = port
        return found

    async def _keep(self, leases: dict[Key, int]) -> None:
        if len(leases) > _MANY:
            leases = await anyio.to_thread.run_sync(_of_present_projects, leases)
        try:
            await anyio.to_thread.run_sync(self._write, leases)
        except OSError as error:
            raise _unwritten(self._path, error, "write") from None
        self._leases = leases

    def _write(self, leases: dict[Key, int]) -> None:
        self._guard.check()
        lease_file.write(self._path, leases)


def _first_free(key: Key, prefer: int | None, taken: Collection[int]) -> int:
    """Blocks: binds. Where the search begins depends on the key alone, so that it mostly ends at the same port."""
    if prefer is not None and prefer not in taken and is_free(prefer):
        return prefer
    ports = span()
    begin = int.from_bytes(hashlib.sha256("\0".join(key).encode("utf-8", "surrogateescape")).digest()[:8], "big")
    for number in range(len(ports)):
        port = ports[(begin + number) % len(ports)]
        if port not in taken and is_free(port):
            return port
    raise PortTaken(
        f"no free port is left between {ports.start} and {ports.stop - 1}",
        hint="stop what is not needed any more, or give a port of its own",
        data={"port": None, "holder": None},
    )


def _of_present_projects(leases: dict[Key, int]) -> dict[Key, int]:
    present = {directory: os.path.isdir(directory) for directory in {key.project_directory for key in leases}}
    return {key: port for key, port in leases.items() if present[key.project_directory]}


def _unwritten(path: str, error: OSError, verb: str) -> StorageFailed:
    return StorageFailed(f"cannot {verb} {path}: {error.strerror}", hint="see persistproc doctor")
