"""Many replacements under load: children that write without a pause, a caller that pings, followers, short runs."""

from __future__ import annotations

import os
import random
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple

from persistproc_core.client import Client
from persistproc_core.errors import PersistprocError
from persistproc_core.paths import Home
from tests.crash.evidence import judge
from tests.daemon.hub import in_thread
from tests.kit import is_alive, program

__all__ = ["Campaign", "Figures"]

_FOLLOWED = 3
_PATIENCE = 60.0


class Figures(NamedTuple):
    """What came of it."""

    replacements: int
    children: int
    bytes_written: int
    bytes_lost: int
    bytes_doubled: int
    bytes_unfollowed: int
    """Of what followers should have been told, the difference to what they were told."""
    children_lost: int
    wrong_exit_codes: int
    ends: int
    refused_connections: int
    failed_calls: int
    longest_ping: float
    longest_replacement: float

    def line(self) -> str:
        """In one line."""
        return (
            f"{self.replacements} replacements, {self.children} children, {self.bytes_written} bytes written: "
            f"{self.bytes_lost} bytes lost, {self.bytes_doubled} bytes twice, {self.bytes_unfollowed} not followed, "
            f"{self.children_lost} children lost, {self.wrong_exit_codes} of {self.ends} exit codes wrong, "
            f"{self.refused_connections} connections refused, {self.failed_calls} calls failed, "
            f"longest ping {self.longest_ping * 1000:.0f} ms, longest replacement {self.longest_replacement:.2f} s"
        )

    @property
    def good(self) -> bool:
        """Whether nothing was lost."""
        return not (
            self.bytes_lost
            or self.bytes_doubled
            or self.bytes_unfollowed
            or self.children_lost
            or self.wrong_exit_codes
            or self.refused_connections
            or self.failed_calls
        )


class Campaign:
    """Runs against the daemon of a home, which has no processes yet."""

    def __init__(self, home: Home, directory: Path, seed: int) -> None:
        self._home = home
        self._directory = str(directory)
        self._chance = random.Random(seed)
        self._over = threading.Event()
        self._longest_ping = 0.0
        self._refused = 0
        self._failed = 0

    def run(self, replacements: int, children: int) -> Figures:
        """Do it; the daemon has no live process afterwards."""
        with self._client() as client:
            pids = {
                # Each another pause: who starts what runs already joins it. The first one floods.
                name: client.start_process(
                    command=program("steady_writer", number and 1 + number % 7 + number / 1000), name=name
                )["pid"]
                for number in range(children)
                for name in [f"w{number}"]
            }
            followers = [in_thread(lambda name=name: self._follow(name)) for name in list(pids)[:_FOLLOWED]]  # type: ignore[misc]
            others: list[Future[object]] = [in_thread(self._ping), in_thread(self._knock)]
            ends = in_thread(self._end)
            longest = max(self._replace(client) for _ in range(replacements))
            self._over.set()
            for other in others:
                other.result(_PATIENCE)
            wrong, count = ends.result(_PATIENCE)
            live = {process["name"]: process["pid"] for process in client.list_processes(running=True)["processes"]}
            lost = sum(live.get(name) != pid or pid is None or not is_alive(pid) for name, pid in pids.items())
            wrong += sum(client.stop_process(process=name)["exit_code"] != 0 for name in pids)
            told = sum(follower.result(_PATIENCE) for follower in followers)
        judged = [self._judge(name) for name in pids]
        due = sum(size for size, _, _ in judged[:_FOLLOWED])
        return Figures(
            replacements,
            children,
            sum(size for size, _, _ in judged),
            sum(missing for _, missing, _ in judged),
            sum(twice for _, _, twice in judged),
            abs(due - told),
            lost,
            wrong,
            count + len(pids),
            self._refused,
            self._failed,
            self._longest_ping,
            longest,
        )

    def _client(self) -> Client:
        return Client(home=self._home.path, working_directory=self._directory, autostart=False, name="campaign")

    def _replace(self, client: Client) -> float:
        # Not in step with anything that the children do.
        self._over.wait(self._chance.random() * 0.1)
        begun = time.monotonic()
        client.replace_daemon(environment=dict(os.environ))
        return time.monotonic() - begun

    def _ping(self) -> None:
        """Ask all the while, over one connection as long as there is one."""
        with self._client() as client:
            while not self._over.is_set():
                begun = time.monotonic()
                self._try(client.get_daemon_status)
                self._longest_ping = max(self._longest_ping, time.monotonic() - begun)

    def _knock(self) -> None:
        """Connect anew all the while; no other client may ever be refused."""
        while not self._over.is_set():
            try:
                self._client().connect()
            except PersistprocError:
                self._refused += 1

    def _end(self) -> tuple[int, int]:
        """Short runs, one after the other: how many ended otherwise than they did, of how many."""
        wrong = count = 0
        with self._client() as client:
            while not self._over.is_set():
                code = self._chance.randrange(256)
                pause = self._chance.random() * 0.3
                count += 1
                try:
                    client.start_process(command=f"sleep {pause:.3f}; exit {code}", name="short", fresh=True)
                    ended = client.wait_for_process(process="short", exit=True, timeout_seconds=_PATIENCE)
                    wrong += ended["exit_code"] != code
                except PersistprocError:
                    self._failed += 1
        return wrong, count

    def _try(self, call: object) -> None:
        assert callable(call)
        try:
            call()
        except PersistprocError:
            self._failed += 1

    def _follow(self, name: str) -> int:
        """How many bytes a follower was told of, to the end."""
        count = 0
        with (
            self._client() as client,
            client.follow_process_output(processes=[name], cursors={name: "start"}, format="raw") as news,
        ):
            for item in news:
                if item.output:
                    count += sum(len(line["text"]) for line in item.output["lines"])
                elif item.event and item.event["type"] == "stopped":
                    break
        return count

    def _judge(self, name: str) -> tuple[int, int, int]:
        """Bytes in the log, bytes that are missing, bytes that are there twice; both streams."""
        (folder,) = Path(self._home.runs).glob(f"{name}.1.*")
        size = missing = twice = 0
        for stream, word in (("stdout", b"out"), ("stderr", b"err")):
            data = b"".join(path.read_bytes() for path in sorted(folder.glob(f"{stream}-*.log")))
            judgement = judge(data, word, must_end=True)
            size, missing, twice = size + len(data), missing + judgement.lost, twice + judgement[1]
        return size, missing, twice
