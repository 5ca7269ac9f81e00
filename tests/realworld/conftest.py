"""A project to serve."""

from __future__ import annotations

from pathlib import Path

import pytest

from persistproc_core.paths import Home
from tests.cli.support import Cli


@pytest.fixture
def cli(home: Home, tmp_path: Path) -> Cli:
    """The command line in an empty project, on a home without a daemon."""
    project = tmp_path / "shop"
    project.mkdir()
    return Cli(home, project)
