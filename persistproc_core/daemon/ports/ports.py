"""What a start, and a question, needs to know of ports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...protocol import PortReply
from ..ending import Ender
from ..home.guard import HomeGuard
from ..log import Log
from ..model import Run
from ..projects import project_name
from ..registry import Registry
from .conflicts import Conflicts
from .filling import filled
from .holders import Holders
from .leases import Leases
from .trouble import PortTrouble
from .wishes import name_of

if TYPE_CHECKING:
    from ..requests import Requested

__all__ = ["Ports"]


class Ports:
    """Leases, conflicts and holders, put together."""

    def __init__(self, path: str, guard: HomeGuard, registry: Registry, ender: Ender, log: Log) -> None:
        """``path``: of the leases. Nothing is read yet."""
        self.holders = Holders(ender, registry)
        self.leases = Leases(path, guard, registry, self.holders, log)
        self.conflicts = Conflicts(self.holders, registry)
        self.trouble = PortTrouble(self.holders)

    async def filled(self, asked: Requested, name: str) -> Requested:
        """The same with the ports that the process of that name has, or is to have. Nothing is started.

        Raises `InvalidParams` for a placeholder that stands for no port, `PortTaken` when no port is left, and
        `StorageFailed`.
        """
        wishes = asked.params.get("ports", [])
        of_project = asked.of_project
        if (not wishes and of_project is None) or asked.assigned_ports:
            return asked
        others: Mapping[str, Mapping[str, int]] = of_project.ports if of_project is not None else {}
        own = others.get(name, {})
        if list(own) != [name_of(wish) for wish in wishes]:
            own = await self.leases.assign(asked.project, name, wishes)
        return filled(asked, own, others)

    async def check(self, asked: Requested, name: str) -> None:
        """Raises `PortTaken` when somebody else holds a port that the process of that name is to have."""
        wishes = asked.params.get("ports", [])
        await self.conflicts.check(asked.project, name, wishes, dict(asked.assigned_ports))

    async def check_again(self, project_directory: str, name: str, old: Run) -> None:
        """The same for a new run with the ports of an old one."""
        settings = old.settings
        await self.conflicts.check(project_directory, name, settings.ports, dict(settings.assigned_ports))

    async def get(self, port: int) -> PortReply:
        """Who listens there, and for whom it is kept."""
        key = await self.leases.leased_to(port)
        leased = None if key is None else f"{project_name(key.project_directory)}/{key.process}"
        return {"port": port, "holder": await self.holders.of(port), "leased_to": leased}
