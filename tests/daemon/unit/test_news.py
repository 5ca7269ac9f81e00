"""What is remembered of clients: bounded, by project, and right when the journal has dropped events."""

from __future__ import annotations

from pathlib import Path

import pytest

from persistproc_core.daemon.events.journal import Journal
from persistproc_core.daemon.events.news import News
from persistproc_core.daemon.model import Cause
from persistproc_core.daemon.registry import Registry
from persistproc_core.protocol import ClientInfo, NewsReply
from tests.daemon.unit.journals import journal_in, make

pytestmark = pytest.mark.anyio

SHOP = "/home/me/shop"
ME = ClientInfo(name="me", pid=1)


def numbers(reply: NewsReply) -> list[int]:
    """The runs of the events."""
    return [event["run"] for event in reply["events"]]


def happen(journal: Journal, *runs: int, directory: str = SHOP) -> None:
    for number in runs:
        journal.tell("started", *make(number, directory=directory))


async def test_what_the_journal_dropped_is_not_told_and_the_rest_is(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        news = News(journal, Registry())
        await news.get(ME, SHOP)
        for number in range(1, 4001):
            happen(journal, number)
            if number % 500 == 0:
                await journal.settled()
        reply = await news.get(ME, SHOP, 5)
        assert numbers(reply) == [3996, 3997, 3998, 3999, 4000]
        assert reply["sequence"] == 4000
        assert reply["omitted"] == len(journal.after(0).entries) - 5
        assert (await news.get(ME, SHOP))["events"] == []


async def test_what_is_not_shown_yet_counts(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        news = News(journal, Registry())
        happen(journal, 1)
        assert (await news.get(ME, SHOP))["sequence"] == 1
        happen(journal, 2)
        journal.tell("removed", *make(3), cause=Cause("removed", ME))
        assert numbers(await news.get(ME, SHOP)) == [2]


async def test_those_who_have_not_asked_for_long_are_forgotten(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        news = News(journal, Registry())
        for number in range(1000):
            await news.get(ClientInfo(name="me", pid=number), None)
        await news.get(ClientInfo(name="me", pid=0), None)
        await news.get(ClientInfo(name="me", pid=1000), None)
        happen(journal, 7)
        assert numbers(await news.get(ClientInfo(name="me", pid=0), None)) == [7]
        assert numbers(await news.get(ClientInfo(name="me", pid=1), None)) == [], "it asks for the first time again"
        assert len(news._clients) == 1000


async def test_projects_are_told_one_by_one(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        news = News(journal, Registry())
        await news.get(ME, "/a")
        happen(journal, 1, directory="/a")
        happen(journal, 2, directory="/b")
        assert numbers(await news.get(ME, "/a")) == [1]
        happen(journal, 3, directory="/a")
        assert numbers(await news.get(ME, "/b")) == [2]
        assert numbers(await news.get(ME, None)) == [3]
        assert numbers(await news.get(ME, "/a")) == numbers(await news.get(ME, "/b")) == []


async def test_whoever_asks_for_very_many_projects_is_remembered_as_one(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        news = News(journal, Registry())
        for number in range(300):
            await news.get(ME, f"/{number}")
        happen(journal, 5, directory="/0")
        assert numbers(await news.get(ME, "/0")) == [5]
        (told,) = news._clients.values()
        assert len(told._in_project) <= 100


async def test_a_restart_that_is_never_finished_leaves_the_stop(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        registry = Registry()
        news = News(journal, registry)
        process, run = make(1)
        registry.add(process)
        await news.get(ME, SHOP)
        process.restarting = 1
        cause = Cause("restarted", ClientInfo(name="other", pid=2))
        journal.tell("stopped", process, run, cause=cause)
        happen(journal, 2)
        assert numbers(await news.get(ME, SHOP)) == [2]
        assert numbers(await news.get(ME, SHOP)) == []
        process.restarting = None
        (event,) = (await news.get(ME, SHOP))["events"]
        assert (event["type"], event["reason"]) == ("stopped", "restarted by other")
        assert numbers(await news.get(ME, SHOP)) == []
