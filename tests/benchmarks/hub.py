"""A hub for one benchmark: a real daemon and keeper in a home of their own, and a folder to work in."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from persistproc_core.client import Client
from tests.benchmarks import facts
from tests.benchmarks.figures import stopwatch
from tests.kit import Daemon, Guard, eventually
from tests.kit.daemon import environment
from tests.kit.guard import TEST_VARIABLE

__all__ = ["Hub", "hub", "run_timed", "start_sleeper"]

_SLEEP = shutil.which("sleep") or "/bin/sleep"
_SETTLED_WITHIN = 40.0


class Hub:
    """What the benchmarks share. Each leaves it as it was: running, and without processes."""

    def __init__(self, daemon: Daemon, client: Client, directory: str) -> None:
        self.daemon = daemon
        self.client = client
        self.directory = directory

    @property
    def environment(self) -> dict[str, str]:
        """For commands that are to find this hub."""
        return environment(self.daemon.home)

    @property
    def keeper_pid(self) -> int:
        """The keeper's process id."""
        pid = self.client.get_daemon_status()["keeper_pid"]
        assert pid is not None
        return pid

    def parts(self) -> dict[str, int]:
        """The pids of daemon, keeper and, when there is one, the keeper's twin that holds the FIFOs."""
        keeper = self.keeper_pid
        return {"daemon": self.daemon.pid, "keeper": keeper, **dict(zip(["holder"], facts.twins(keeper), strict=False))}

    @contextmanager
    def sleepers(self, count: int) -> Iterator[list[str]]:
        """That many processes that do nothing; gives their names."""
        names = [f"sleeper-{number}" for number in range(count)]
        self.each(names, start_sleeper)
        yield names
        self.remove(names)

    def remove(self, names: list[str]) -> None:
        """Stop processes and forget them."""
        self.each(names, lambda client, name: client.stop_process(process=name))
        self.each(names, lambda client, name: client.remove_process(process=name))

    def each(self, names: list[str], act: Callable[[Client, str], object], connections: int = 10) -> float:
        """Act on all of them over so many connections, opened before; the seconds that it took."""
        shares = [names[first::connections] for first in range(min(connections, len(names)))]

        def work(client: Client, share: list[str]) -> None:
            for name in share:
                act(client, name)

        with ExitStack() as stack:
            clients = [stack.enter_context(self.new_client()) for _ in shares]
            pool = stack.enter_context(ThreadPoolExecutor(max(len(shares), 1)))
            with stopwatch() as watch:
                for done in [pool.submit(work, *pair) for pair in zip(clients, shares, strict=True)]:
                    done.result()
        return watch.seconds

    def new_client(self) -> Client:
        """One more client, with connections of its own."""
        return Client(home=self.daemon.home.path, autostart=False, working_directory=self.directory)

    def settle(self, wanted: bool) -> None:
        """Return when the daemon's worker threads are gone: until then it is not idle."""
        if wanted:
            eventually(lambda: facts.threads(self.daemon.pid) == 1, _SETTLED_WITHIN, "the daemon has one thread")


@contextmanager
def hub() -> Iterator[Hub]:
    """A hub of its own; at the end nothing is left of it."""
    guard = Guard()
    directory = tempfile.mkdtemp(prefix="pp-bench-")
    try:
        # Its own token also within a test, whose guard would take a daemon that is started again for a leak.
        daemon = Daemon(guard, guard.new_home(), {TEST_VARIABLE: guard.token})
        daemon.start()
        with Client(home=daemon.home.path, autostart=False, working_directory=directory) as client:
            yield Hub(daemon, client, directory)
        daemon.shut_down(within=120.0)
    finally:
        guard.clean_up()
        shutil.rmtree(directory, ignore_errors=True)


def start_sleeper(client: Client, name: str) -> object:
    """Start a process that does nothing; the name ends in a number."""
    # The same command in the same directory would be joined, not started: each sleeps for a time of its own.
    return client.start_process(command=[_SLEEP, str(100_000 + int(name.rsplit("-", 1)[1]))], name=name)


def run_timed(command: list[str], **options: object) -> float:
    """Run to the end; the seconds that it took. Raises `CalledProcessError`."""
    with stopwatch() as watch:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
        process.wait()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return watch.seconds
