"""Projects are no program of trio's alone: up, a change and down on both backends."""

from __future__ import annotations

from pathlib import Path

import pytest

from persistproc_core.paths import Home
from tests.daemon.in_process import Wire, served
from tests.daemon.project.team import toml
from tests.kit import program

pytestmark = pytest.mark.anyio


def written(*api: str) -> str:
    ready = 'ready = { output = "^ready" }'
    db = ["[processes.db]", f"command = {toml(program('sleeper'))}", ready]
    return "\n".join([*db, "[processes.api]", f"command = {toml(program('sleeper'))}", ready, 'needs = ["db"]', *api])


async def up(client: Wire, directory: Path) -> dict[str, str]:
    digest = (await client.result("get_project", working_directory=str(directory)))["digest"]
    reply = await client.result("start_project", working_directory=str(directory), approve=digest)
    assert reply["ready"] is True
    return {each["name"]: each["outcome"] for each in reply["results"]}


async def test_up_a_change_and_down(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "persistproc.toml"
    async with served(home) as client:
        file.write_text(written(), encoding="utf-8")
        assert await up(client, tmp_path) == {"db": "started", "api": "started"}
        file.write_text(written("tty = true"), encoding="utf-8")
        assert await up(client, tmp_path) == {"db": "unchanged", "api": "restarted"}
        reply = await client.result("stop_project", working_directory=str(tmp_path))
        assert [each["name"] for each in reply["results"]] == ["api", "db"]
