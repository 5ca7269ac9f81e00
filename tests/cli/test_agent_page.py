"""The page about agents shows what is written, to the letter."""

from __future__ import annotations

import re

import pytest

from persistproc_cli.agents.connection import Connection
from persistproc_cli.agents.documents import with_entry
from persistproc_cli.agents.table import AGENTS
from tests.cli.agents import URL
from tests.meta.sources import ROOT

PAGE = (ROOT / "docs" / "user-guide" / "agent-integration.md").read_text("utf-8")
SNIPPET = re.compile(r"^<!-- agent: ([^\n]+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = dict(SNIPPET.findall(PAGE))


def test_every_agent_is_there() -> None:
    names = {words.split()[0] for words in SHOWN}
    assert names == set(AGENTS)
    for agent in AGENTS.values():
        assert f"`{agent.name}`" in PAGE.partition("## Two ways")[0]


@pytest.mark.parametrize("words", list(SHOWN))
def test_the_snippet_is_what_is_written(words: str) -> None:
    name, *options = words.split()
    agent = AGENTS[name]
    connection = Connection(command=("persistproc", "mcp")) if options else Connection(URL)
    written = with_entry(agent.format, "", agent.keys, agent.entry(connection, shared=False))
    assert SHOWN[words] == written


@pytest.mark.parametrize("name", [name for name, agent in AGENTS.items() if agent.add_http])
def test_its_own_command_is_the_one_shown(name: str) -> None:
    command = " ".join(AGENTS[name].own_command(Connection(URL)))
    words = set(command.split())
    shown = [set(line.split()) for line in re.findall(rf"^{command.split()[0]} mcp add .*$", PAGE, re.MULTILINE)]
    assert words in shown
