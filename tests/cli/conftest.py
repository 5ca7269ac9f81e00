"""Fixtures of the command-line tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.support import Cli
from tests.kit import Daemon


@pytest.fixture
def cli(daemon: Daemon, tmp_path: Path) -> Iterator[Cli]:
    """The command line in an empty project, with a daemon that runs."""
    made = _in_project(daemon, tmp_path)
    yield made
    made.close()


@pytest.fixture
def shared_cli(shared_daemon: Daemon, tmp_path: Path) -> Iterator[Cli]:
    """The same with the daemon that the tests of a module share; what the test has started is ended after it."""
    made = _in_project(shared_daemon, tmp_path)
    yield made
    for process in made.hub.list_processes(running=True)["processes"]:
        made.hub.stop_process(process=process["name"], force=True)
    made.close()


def _in_project(daemon: Daemon, folder: Path) -> Cli:
    project = folder / "shop"
    project.mkdir()
    return Cli(daemon.home, project)
