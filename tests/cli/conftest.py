"""Fixtures of the command-line tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistproc_core.client.sync import Client
from persistproc_core.errors import DaemonUnavailable
from persistproc_core.protocol import TargetParams
from tests.cli.support import Cli
from tests.kit import Daemon


@pytest.fixture
def cli(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cli]:
    """The command line in an empty project, with a daemon that runs and knows no process.

    A test that takes ``daemon`` as well has that one to itself; the others of a module share one, which is started anew
    after a test that ended it.
    """
    own = {"daemon", "home"}.intersection(request.fixturenames)
    daemon: Daemon = request.getfixturevalue("daemon" if own else "shared_daemon")
    project = tmp_path / "shop"
    project.mkdir()
    made = Cli(daemon.home, project)
    yield made
    made.close()
    if not own:
        _as_before(daemon)


def _as_before(daemon: Daemon) -> None:
    with contextlib.suppress(DaemonUnavailable), Client(home=daemon.home.path, autostart=False) as client:
        if client.hello["pid"] == daemon.pid:
            for process in client.list_processes(all_projects=True)["processes"]:
                target: TargetParams = {"process": process["name"], "working_directory": process["project_directory"]}
                if process["protected_by"]:
                    client.protect_process(**target, protected=False, force=True, reason="the test is over")
                client.stop_process(**target, force=True)
            client.prune_processes(all_projects=True)
            return
        client.shutdown_daemon(stop_processes=True, grace_seconds=0)
    daemon.kill_all()
    daemon.start()
