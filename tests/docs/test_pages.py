"""The pages are true: examples run, commands exist, links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from persistproc_cli.arguments import UsageError, parse
from persistproc_cli.dispatch import dispatch
from persistproc_cli.main import command_named
from persistproc_core.paths import Home
from tests.docs.markdown import slug
from tests.kit import Daemon, free_port
from tests.kit.daemon import environment
from tests.meta.sources import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^(<!-- test -->\n)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str, *, tested: bool = False) -> list[str]:
    found = FENCE.findall(page.read_text("utf-8"))
    return [text for mark, written_in, text in found if written_in == language and (mark or not tested)]


def command_lines(page: Path) -> list[str]:
    """Each ``persistproc ...`` of the shell blocks and of the running text."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    prose = FENCE.sub("", page.read_text("utf-8"))
    lines += [" ".join(text.split()) for text in re.findall(r"`([^`]+)`", prose)]
    # What follows a pipe is not ours; in a table the bar of a pipe is written with a backslash.
    return [re.split(r"\s\\?[|>]", line)[0] for line in lines if line.startswith("persistproc ")]


@pytest.mark.parametrize("line", sorted({line for page in PAGES for line in command_lines(page)}))
def test_every_command_line_is_understood(line: str) -> None:
    invocation = dispatch(shlex.split(line, comments=True)[1:], executable=lambda _: True)
    try:
        parse(command_named(invocation.verb), invocation.words)
    except UsageError as error:
        # In running text a verb may stand alone; an option or a word that it does not take may not.
        if not error.message.startswith("usage:"):
            raise


TESTED = [page for page in PAGES if blocks(page, "sh", tested=True)]


@pytest.mark.parametrize("page", TESTED, ids=name_of)
def test_the_tour_works_as_written(page: Path, tmp_path: Path, home: Home, daemon: Daemon) -> None:
    script = tmp_path / "bin" / "persistproc"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m persistproc_cli "$@"\n', "utf-8")
    script.chmod(0o755)
    project = tmp_path / "project"
    project.mkdir()
    variables = environment(home, PATH=f"{script.parent}:{os.environ['PATH']}")
    text = "".join(blocks(page, "sh", tested=True)).replace("8123", str(free_port()))
    # A tour stops at the first line that fails, as its reader would.
    done = subprocess.run(
        ["sh", "-ex"],
        input=text.encode(),
        cwd=project,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=50,
    )
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    prose = FENCE.sub("", page.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{name_of(page)} links to {target}"
        if anchor:
            titles = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
            assert anchor in {slug(title) for title in titles}, f"{name_of(page)} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_json_examples_are_json(page: Path) -> None:
    for block in blocks(page, "json"):
        for line in [block] if block.startswith("{\n") else block.splitlines():
            json.loads(line)


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / ".ci" / "mkdocs.yml").read_text("utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        assert f": {page.relative_to(ROOT / 'docs')}\n" in navigation, page
