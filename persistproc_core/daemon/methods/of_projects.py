"""The methods for a project as its file describes it."""

from __future__ import annotations

from ...protocol import (
    GetProjectParams,
    ProjectReply,
    StartProjectParams,
    StartProjectReply,
    StopProjectParams,
    StopProjectReply,
)
from ..kernel.peer import Peer
from ..project.projects import Projects

__all__ = ["OfProjects"]


class OfProjects:
    """Translates between the protocol and the projects."""

    def __init__(
        self,
        *,
        projects: Projects,
    ) -> None:
        self._projects = projects

    async def get_project(self, params: GetProjectParams, peer: Peer) -> ProjectReply:
        """What the project's file says, and what runs of it."""
        return await self._projects.get(params)

    async def start_project(self, params: StartProjectParams, peer: Peer) -> StartProjectReply:
        """Bring what runs to what the file says."""
        # Its waits are cut short; each start and restart in it goes on to its end.
        return await self._projects.start(params, peer.client(params.get("client")))

    async def stop_project(self, params: StopProjectParams, peer: Peer) -> StopProjectReply:
        """Stop the project's processes."""
        return await self._projects.stop(params, peer.client(params.get("client")))
