"""Subscriptions of both clients: what they bring, and going on over the death of the daemon."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from persistproc_core.client import AsyncClient, Client, piece_bytes, resuming
from persistproc_core.client.news import Notification, Progress
from persistproc_core.errors import DaemonUnavailable, InvalidParams, ProcessNotFound
from persistproc_core.paths import Home
from tests.client.line_server import Peer, line_server
from tests.kit import Daemon, eventually, program

Act = Callable[[Client], object]


class _Log:
    """What a subscription has brought."""

    def __init__(self) -> None:
        self.news: list[Notification] = []

    @property
    def kinds(self) -> list[str]:
        return [news.event["type"] for news in self.news if news.event]

    def data(self, run: int) -> bytes:
        outputs = [news.output for news in self.news if news.output]
        return b"".join(piece_bytes(line) for out in outputs if out["run"] == run for line in out["lines"])


Until = Callable[[_Log], bool]
Step = tuple[Until, Act]


def blocking(client: Client, method: str, params: dict[str, Any], steps: list[Step]) -> _Log:
    log = _Log()
    with getattr(client, method)(**params) as subscription:
        for until, act in steps:
            while not until(log):
                news = subscription.receive(20)
                assert news is not None, log.news
                log.news.append(news)
            act(client)
    return log


async def asynchronous(client: Client, method: str, params: dict[str, Any], steps: list[Step]) -> _Log:
    log = _Log()
    other = AsyncClient(working_directory=client._caller.directory)
    with anyio.fail_after(40):
        async with other, await getattr(other, method)(**params) as subscription:
            for until, act in steps:
                while not until(log):
                    log.news.append(await subscription.receive())
                await anyio.to_thread.run_sync(act, client)
    return log


@pytest.fixture
def client(daemon: Daemon, tmp_path: Path) -> Iterator[Client]:
    with Client(working_directory=str(tmp_path)) as client:
        yield client


@pytest.fixture
def shared(shared_daemon: Daemon, tmp_path: Path) -> Iterator[Client]:
    """A client of the daemon that tests share, in a project of its own."""
    with Client(home=shared_daemon.home.path, working_directory=str(tmp_path)) as client:
        yield client
        client.prune_processes()


@pytest.fixture(params=["blocking", "trio", "asyncio"])
def subscribed(request: pytest.FixtureRequest, client: Client, home: Home) -> Callable[..., _Log]:
    """Subscribes, and acts each time when what was waited for has come."""

    def run(method: str, params: dict[str, Any], *steps: Step) -> _Log:
        if request.param == "blocking":
            return blocking(client, method, params, list(steps))
        return anyio.run(asynchronous, client, method, params, list(steps), backend=request.param)

    return run


def nothing(client: Client) -> None:
    """Do nothing."""


def test_following_over_the_death_of_the_daemon(
    subscribed: Callable[..., _Log], client: Client, daemon: Daemon
) -> None:
    client.start_process(command=program("steady_writer", 1), name="p")

    def kill(client: Client) -> None:
        daemon.kill()

    log = subscribed(
        "follow_process_output",
        {"cursors": {"p": "start"}, "format": "raw"},
        (lambda log: len(log.data(1)) > 1000, kill),
        (lambda log: len(log.data(1)) > 5000, lambda client: client.restart_process(process="p")),
        (lambda log: len(log.data(2)) > 100, kill),
        (lambda log: len(log.data(2)) > 5000, lambda client: client.stop_process(process="p")),
        (lambda log: log.kinds.count("stopped") == 2, nothing),
    )
    assert log.kinds == ["stopping", "stopped", "started", "restarted", "stopping", "stopped"]
    for run in (1, 2):
        (folder,) = Path(daemon.home.runs).glob(f"p.{run}.*")
        written = {path.name[:6]: path.read_bytes() for path in folder.glob("std*-*.log")}
        assert sum(map(len, written.values())) == len(log.data(run))
        assert sorted(log.data(run).splitlines()) == sorted(b"".join(written.values()).splitlines())
    daemon.pid = client.connect()["pid"]


def test_watching_over_the_death_of_the_daemon(subscribed: Callable[..., _Log], client: Client, daemon: Daemon) -> None:
    def kill_both(client: Client) -> None:
        client.signal_process(process="p", signal="KILL")
        daemon.kill()

    log = subscribed(
        "watch_processes",
        {"types": ["started", "exited", "failed", "removed"]},
        (lambda log: True, lambda client: client.start_process(command=program("sleeper"), name="p")),
        (lambda log: len(log.kinds) == 1, kill_both),
        (lambda log: len(log.kinds) == 2, lambda client: client.remove_process(process="p")),
        (lambda log: len(log.kinds) == 3, nothing),
    )
    assert log.kinds == ["started", "failed", "removed"]
    daemon.pid = client.connect()["pid"]


def test_what_is_named_is_gone_when_it_goes_on(client: Client, daemon: Daemon) -> None:
    for name in ("p", "q"):
        client.start_process(command=["echo", name], name=name)
        client.wait_for_process(process=name)
    with client.follow_process_output(processes=["p", "q"], lines=5) as news:
        daemon.kill()
        with Client(working_directory=str(Path(client._caller.directory or ""))) as other:
            other.remove_process(process="p")
            texts = []
            for item in news:
                texts += [line["text"] for line in item.output["lines"]] if item.output else []
                if item.event and item.event["name"] == "q" and item.event["type"] == "exited":
                    other.remove_process(process="q")
        assert texts == ["q"] or sorted(texts) == ["p", "q"]
        assert news.ended == "every process that it named was removed"
        assert news.receive(0) is None
    daemon.pid = client.connect()["pid"]


def test_a_reader_does_not_start_what_somebody_stopped(client: Client, daemon: Daemon) -> None:
    with client.watch_processes() as news:
        client.shutdown_daemon()
        before = time.monotonic()
        with pytest.raises(DaemonUnavailable, match="ended meanwhile"):
            news.receive(60)
        assert time.monotonic() - before < 15
    assert not Path(daemon.home.socket).exists()
    client.connect()
    daemon.pid = client.hello["pid"]


def test_resuming_can_be_turned_off(client: Client, daemon: Daemon) -> None:
    with client.watch_processes() as news:
        news.resumes = False
        daemon.kill()
        with pytest.raises(DaemonUnavailable, match="lost"):
            news.receive(10)
        with pytest.raises(DaemonUnavailable, match="closed"):
            news.receive(0)
    daemon.start()


def test_waiting_beside_other_descriptors(shared: Client) -> None:
    with shared.follow_process_output() as news:
        assert news.receive(0) is None
        assert news.receive(0.01) is None
        shared.start_process(command=["seq", "3"], name="p")
        texts: list[str] = []
        while len(texts) < 3:
            assert select.select([news.fileno()], [], [], 10)[0]
            while (item := news.receive(0)) is not None:
                texts += [line["text"] for line in item.output["lines"]] if item.output else []
        assert texts == ["1", "2", "3"]


def test_closing_it_ends_the_connection(client: Client) -> None:
    # That of the fixture, which asked whether the daemon is there, may still be counted for a moment.
    eventually(lambda: client.get_daemon_status()["connections"] == 1)
    before = 1
    news = client.watch_processes()
    assert client.get_daemon_status()["connections"] == before + 1
    news.close()
    news.close()
    deadline = time.monotonic() + 10
    while client.get_daemon_status()["connections"] != before:
        assert time.monotonic() < deadline
    with pytest.raises(DaemonUnavailable):
        news.fileno()


def test_an_error_leaves_no_connection(shared: Client) -> None:
    with pytest.raises(ProcessNotFound):
        shared.follow_process_output(processes=["nobody"])


@pytest.mark.parametrize("method", ["follow_process_output", "watch_processes", "cancel_subscription"])
def test_a_plain_call_cannot_subscribe(home: Home, method: str) -> None:
    # Nobody is asked: there is no daemon.
    with pytest.raises(InvalidParams, match="about one connection"):
        Client(autostart=False).call(method, {})


def test_what_a_later_daemon_tells_is_handed_on(home: Home) -> None:
    def later(peer: Peer) -> None:
        peer.greet()
        request = peer.request()
        peer.reply(request, {"subscription": "s", "sequence": 1, "missed": False})
        for method, params in (
            ("process_event", {"subscription": "other", "event": {}}),
            ("something_new", {"subscription": "s", "fact": 1}),
            ("subscription_ended", {"subscription": "s", "reason": "enough"}),
        ):
            peer.send({"jsonrpc": "2.0", "method": method, "params": params})
        peer.wait_closed()

    with line_server(home.socket, later), Client() as client, client.watch_processes() as news:
        (item,) = news
        assert (item.method, item.params["fact"], item.output, item.event) == ("something_new", 1, None, None)
        assert news.ended == "enough"


def test_an_interrupted_wait_can_be_made_again(shared: Client) -> None:
    with shared.watch_processes() as news:
        timer = threading.Timer(0.05, lambda: shared.start_process(command=["true"], name="p"))
        timer.start()
        while (item := news.receive(0.005)) is None:
            pass
        timer.join()
        assert item.event
        assert item.event["type"] == "started"


def test_a_zombie_is_no_daemon_to_wait_for() -> None:
    child = subprocess.Popen(["true"])
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not resuming._is_alive(child.pid)
    finally:
        child.wait()
    assert resuming._is_alive(os.getpid())


def test_a_journal_that_counts_from_one_again_is_news() -> None:
    def event(sequence: int) -> dict[str, object]:
        about = {"project_directory": "/shop", "name": "p", "sequence": sequence, "type": "started"}
        return {"method": "process_event", "params": {"subscription": "s", "event": about}}

    progress = Progress("watch_processes", {})
    progress.begin({"subscription": "s", "sequence": 500})
    assert progress.take(event(501))
    progress.begin({"subscription": "s", "sequence": 3})
    assert progress.take(event(4))
    assert progress.again() == {"after": 4}
