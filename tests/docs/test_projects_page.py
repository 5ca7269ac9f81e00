"""The page about projects shows what a terminal shows, numbers apart."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from persistproc_core.project_file.find import find_file
from persistproc_core.project_file.load import load
from tests.cli.support import Cli
from tests.cli.tmux import PROMPT, SECONDS, Pane, tmux
from tests.docs.test_pages import blocks
from tests.kit import Daemon, eventually
from tests.meta.sources import ROOT

PAGE = ROOT / "docs" / "user-guide" / "projects.md"
TYPED = "~/shop $"


def test_the_page_shows_what_a_terminal_shows(daemon: Daemon, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    (shop / "data").mkdir(parents=True)
    (shop / "persistproc.toml").write_text(blocks(PAGE, "toml")[0], "utf-8")
    (shop / "migrate.sh").write_text("echo migrated\n", "utf-8")
    with tmux(Cli(daemon.home, shop), tmp_path, rows=50, columns=120) as pane:
        pane.enter(f"export HOME={tmp_path}")
        for block in blocks(PAGE, "text"):
            if block.startswith(TYPED):
                assert shown(pane, block) == without_numbers(block)


def test_the_file_of_the_readme_is_one(tmp_path: Path) -> None:
    (tmp_path / "persistproc.toml").write_text(blocks(ROOT / "README.md", "toml")[0], "utf-8")
    found = find_file(str(tmp_path))
    assert found is not None
    assert list(load(found).processes) == ["db", "api", "web"]


def shown(pane: Pane, block: str) -> list[str]:
    """Type what the block has typed; what is on the screen then, as the page would have it."""
    commands = [line.removeprefix(TYPED).strip() for line in block.splitlines() if line.startswith(TYPED)]
    answers = re.findall(r"\[y/N\] (\w+)$", block, re.M)
    pane.enter("clear")
    eventually(lambda: pane.screen() == PROMPT, SECONDS, "an empty screen")
    for number, command in enumerate(commands, 2):
        pane.enter(command)
        if answers:
            pane.wait_for("[y/N]")
            pane.enter(answers.pop())
        eventually(partial(has_prompts, pane, number), SECONDS, f"the end of {command}")
    return without_numbers(pane.screen().replace(PROMPT, TYPED))[:-1]


def has_prompts(pane: Pane, count: int) -> bool:
    return sum(line.startswith(PROMPT) for line in pane.screen().splitlines()) == count


def without_numbers(text: str) -> list[str]:
    """Numbers differ, and the room that they take."""
    return [re.sub(r" +", " ", re.sub(r"\d+(\.\d+)?", "N", line)).rstrip() for line in text.splitlines()]
