"""A real bridge, with a daemon of its own behind it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from persistproc_core.client.sync import Client
from persistproc_core.errors import DaemonUnavailable
from persistproc_core.paths import Home
from tests.kit.daemon import environment
from tests.kit.guard import Guard
from tests.kit.procs import wait_gone

__all__ = ["Bridge", "BridgeFailed"]


class BridgeFailed(AssertionError):
    """The bridge did not start, or did not end as it should."""


class Bridge:
    """``python -m persistproc_mcp --detach`` in a home of its own, on a port that was free."""

    def __init__(self, guard: Guard, home: Home, variables: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.pid = 0
        self.port = 0
        self.url = ""
        """Without a path and a slash: ``http://127.0.0.1:40123``."""
        self._guard = guard
        self._variables = dict(variables or {})

    @property
    def socket(self) -> str:
        """The path of its Unix socket."""
        return self.home.bridge_socket

    @property
    def mcp_url(self) -> str:
        """Where MCP is."""
        return f"{self.url}/mcp/"

    def command(self, *options: str) -> list[str]:
        """The argument list that starts it."""
        return [sys.executable, "-m", "persistproc_mcp", "--home", self.home.path, *options]

    def environment(self) -> dict[str, str]:
        """The environment that it is started in."""
        return environment(self.home, **self._variables)

    def start(self, *options: str, within: float = 30.0) -> dict[str, Any]:
        """Start it, on the port of its last life if it had one, and return what it tells when it answers.

        Raises `BridgeFailed` with what it said.
        """
        port = [] if "--port" in options or "--no-port" in options else ["--port", str(self.port)]
        finished = subprocess.run(
            self.command("--detach", "--json", *port, *options),
            cwd="/",
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=within,
        )
        if finished.returncode != 0:
            raise BridgeFailed(f"exit status {finished.returncode}: {finished.stderr}\n{self.log()}")
        about: dict[str, Any] = json.loads(finished.stdout)
        self.pid, self.port, self.url = about["pid"], about["port"] or 0, about["url"] or ""
        return about

    def client(self, directory: Path | str | None = None) -> Client:
        """The same daemon without the bridge; close it."""
        return Client(
            home=self.home.path, name="test", autostart=False, working_directory=str(directory) if directory else None
        )

    def kill(self, number: int = signal.SIGKILL, within: float = 5.0) -> None:
        """Signal it, SIGKILL unless said otherwise, and return when it is gone. Daemon and processes go on."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        wait_gone(self.pid, within)

    def log(self) -> str:
        """The text of its log."""
        with contextlib.suppress(OSError):
            return Path(self.home.bridge_log).read_text("utf-8", "replace")
        return ""

    def forget_processes(self) -> None:
        """Stop and forget all processes of its daemon."""
        with contextlib.suppress(DaemonUnavailable), self.client() as client:
            for process in client.list_processes(all_projects=True, running=True)["processes"]:
                client.stop_process(
                    process=process["name"],
                    working_directory=process["project_directory"],
                    force=True,
                    reason="the test is over",
                )
            client.prune_processes(all_projects=True)

    def tear_down(self) -> None:
        """End it, its daemon and all processes; what does not end is ended by force."""
        try:
            # Not self.pid alone: a command line or a relay may have started the bridge that serves now.
            for pid in [pid for pid in self._guard.survivors(self.home) if _is_bridge(pid)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
                wait_gone(pid)
            with contextlib.suppress(DaemonUnavailable), self.client() as client:
                pid = client.hello["pid"]
                client.shutdown_daemon(stop_processes=True, grace_seconds=0)
                wait_gone(pid)
            for pid in self._guard.survivors(self.home):
                wait_gone(pid)
        finally:
            self._guard.kill(self.home)


def _is_bridge(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return "persistproc_mcp" in psutil.Process(pid).cmdline()
    return False
