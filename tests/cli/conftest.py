"""Fixtures of the command-line tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import Cli
from tests.kit import Daemon


@pytest.fixture
def cli(daemon: Daemon, tmp_path: Path) -> Cli:
    """The command line in an empty project, with a daemon that runs."""
    project = tmp_path / "shop"
    project.mkdir()
    return Cli(daemon.home, project)
