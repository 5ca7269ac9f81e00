"""Agents in one project, each with a name of its own, on the shared daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from persistproc_mcp.callers import Caller
from persistproc_mcp.hub import Hub
from persistproc_mcp.tools.run import run_tool
from persistproc_mcp.tools.tool import Answer
from tests.daemon.hub import Hub as Project
from tests.kit import Daemon

CLAUDE = Caller("claude-code", "2.1", pid=7001)
CURSOR = Caller("cursor", "3.0", pid=7002)


class Agents:
    """Calls tools on behalf of agents that work in the project's directory."""

    def __init__(self, hub: Hub, project: Project) -> None:
        self.hub = hub
        self.project = project
        self.directory: str | None = str(project.project)
        self.progress: list[tuple[float, float | None, str]] = []

    async def call(self, tool: str, caller: Caller = CLAUDE, /, **arguments: object) -> Answer:
        """What the tool answers, well or badly."""
        caller = caller._replace(directory=caller.directory or self.directory)
        return await run_tool(self.hub, caller, tool, arguments, self._told)

    async def text(self, tool: str, caller: Caller = CLAUDE, /, **arguments: object) -> str:
        """What it answers when all goes well."""
        answer = await self.call(tool, caller, **arguments)
        assert not answer.failed, answer.text
        return answer.text

    async def refusal(self, tool: str, caller: Caller = CLAUDE, /, **arguments: object) -> str:
        """What it answers when it fails."""
        answer = await self.call(tool, caller, **arguments)
        assert answer.failed, answer.text
        return answer.text

    async def _told(self, done: float, total: float | None, words: str) -> None:
        self.progress.append((done, total, words))


@pytest.fixture
def project(shared_daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project in ``~/shop``."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "shop").mkdir()
    found = Project(shared_daemon, tmp_path / "shop")
    yield found
    for info in found.list().values():
        if info["protected_by"] is not None:
            found.call("protect_process", info["name"], protected=False, force=True, reason="the test is over")
    found.clean_up()


@pytest.fixture
async def agents(project: Project) -> AsyncIterator[Agents]:
    """The agents of the project, without a bridge in between."""
    async with Hub(project.daemon.home) as hub:
        yield Agents(hub, project)
