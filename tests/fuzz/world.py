"""What the stateful model acts on: one home, five clients, and everything that can be killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

from persistproc_core.client import Client
from persistproc_core.errors import DaemonUnavailable
from persistproc_core.protocol import ProcessInfo
from tests.kit import Guard, eventually, wait_gone
from tests.kit.daemon import environment
from tests.kit.guard import TEST_VARIABLE
from tests.kit.procs import mentions, present

__all__ = ["CLIENTS", "NAMES", "World"]

CLIENTS = 5
NAMES = ("api", "db", "web")
_MARK = "PP_FUZZ_MODEL"
_PATIENCE = 30.0
_Answer = TypeVar("_Answer")


class World:
    """Starts with the first call: the clients start a daemon whenever there is none."""

    def __init__(self) -> None:
        with ExitStack() as stack:
            self._guard = Guard()
            self._others = present()
            stack.callback(self._guard.clean_up)
            self._home = self._guard.new_home()
            before = dict(os.environ)
            stack.callback(os.environ.update, before)
            stack.callback(os.environ.clear)
            os.environ.update(environment(self._home, **{TEST_VARIABLE: self._guard.token}))
            self.clients = [
                stack.enter_context(Client(home=self._home.path, name=f"client-{number}", working_directory="/"))
                for number in range(CLIENTS)
            ]
            self._pool = stack.enter_context(ThreadPoolExecutor(CLIENTS))
            self._stack = stack.pop_all()

    def close(self) -> None:
        """End everything. Raises `TimeoutError` when something is left; it is ended by force then."""
        try:
            servants = mentions([], [self._home.path], self._others)
            self.clients[0].shutdown_daemon(stop_processes=True, grace_seconds=0)
            for pid in servants:
                wait_gone(pid, _PATIENCE)
        finally:
            self._stack.close()

    # --- verbs --------------------------------------------------------------------------------------------------------

    def start(self, client: int, name: str) -> ProcessInfo:
        """Start, or join."""
        number = str(100_000 + NAMES.index(name))  # the same command in one directory would be joined
        variables = {**os.environ, _MARK: self._home.path}
        return self.insist(
            lambda: self.clients[client].start_process(command=["sleep", number], name=name, environment=variables)
        )

    def restart(self, client: int, name: str) -> ProcessInfo:
        """Restart; a daemon that has forgotten the variables takes ours."""
        variables = {**os.environ, _MARK: self._home.path}
        return self.insist(lambda: self.clients[client].restart_process(process=name, environment=variables))

    def stop(self, client: int, name: str) -> ProcessInfo:
        """Stop."""
        return self.insist(lambda: self.clients[client].stop_process(process=name))

    def remove(self, client: int, name: str) -> object:
        """Remove."""
        return self.insist(lambda: self.clients[client].remove_process(process=name))

    def insist(self, act: Callable[[], _Answer]) -> _Answer:
        """Ask until a daemon answers: the one that was asked may have been killed meanwhile."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return act()
            except DaemonUnavailable:
                if time.monotonic() > deadline:
                    raise

    def at_once(self, *acts: Callable[[], object]) -> list[BaseException | None]:
        """Call all of them at the same moment; the errors."""
        return [job.exception(_PATIENCE) for job in [self._pool.submit(act) for act in acts]]

    # --- deaths -------------------------------------------------------------------------------------------------------

    def kill(self, *who: str) -> None:
        """kill -9 of ``daemon``, ``keeper`` or both; returns when they are gone."""
        found: dict[str, int] = {}

        def known() -> bool:
            status = self.clients[0].get_daemon_status()
            found.update(daemon=status["pid"], keeper=status["keeper_pid"] or 0)
            return bool(found["keeper"])

        eventually(known, _PATIENCE, "a keeper that is connected")
        for each in who:
            os.kill(found[each], signal.SIGKILL)
        for each in who:
            wait_gone(found[each])

    def replace_daemon(self, client: int) -> None:
        """Replace the daemon by another one in place."""
        reply = self.clients[client].replace_daemon()
        wait_gone(reply["previous_pid"], _PATIENCE)
        assert self.clients[client].get_daemon_status()["pid"] == reply["pid"]

    # --- what is true -------------------------------------------------------------------------------------------------

    def listed(self, client: int = 0) -> dict[str, ProcessInfo]:
        """All processes by name, as a client is told."""
        return {each["name"]: each for each in self.clients[client].list_processes(all_projects=True)["processes"]}

    def alive(self) -> list[int]:
        """The children that live, as the kernel tells."""
        return sorted(mentions([f"{_MARK}={self._home.path}"], [], self._others))

    def forget_all(self) -> None:
        """As in the beginning."""
        for name in self.listed():
            self.insist(lambda name=name: self.clients[0].stop_process(process=name, force=True, reason="the end"))  # type: ignore[misc]
            self.clients[0].remove_process(process=name)
        for pid in self.alive():  # what a defect has left behind, for the next beginning
            os.kill(pid, signal.SIGKILL)
            wait_gone(pid)
        assert self.listed() == {}
