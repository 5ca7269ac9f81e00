"""A client in a project of its own, on the bridge of the worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bridge.api.client import Api
from tests.kit.bridge import Bridge


@pytest.fixture
def api(bridge: Bridge, tmp_path: Path) -> Iterator[Api]:
    """Its processes are ended and removed after the test."""
    project = tmp_path / "shop"
    project.mkdir()
    yield Api(bridge, project)
    with bridge.client(project) as client:
        for process in client.list_processes(running=True)["processes"]:
            client.stop_process(process=process["name"], signal="SIGKILL", force=True, reason="the test is over")
        client.prune_processes()
