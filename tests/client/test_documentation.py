"""The examples of docs/api/client.md are run as they are written."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from persistproc_core.client import AsyncClient, Client
from persistproc_core.paths import Home
from tests.kit.daemon import environment

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "api" / "client.md"
TEXT = PAGE.read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def run(example: str, home: Home, directory: Path) -> str:
    root = str(PAGE.parent.parent.parent)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        cwd=directory,
        env=environment(home, PYTHONPATH=root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=50,
        check=False,
    )
    text = done.stdout.decode()
    assert done.returncode == 0, text
    return text


@pytest.mark.parametrize(
    ("number", "shows"),
    [
        (0, ["web started", "Serving HTTP", "listens on 127.0.0.1", "the example is over"]),
        (1, ["worker: stopped SIGTERM"]),
        (2, ["stdout line 1", "stdout line 3", "--- exited"]),
        (3, ["no-such-process"]),
    ],
)
def test_an_example(fresh_home: Home, tmp_path: Path, number: int, shows: list[str]) -> None:
    said = run(EXAMPLES[number], fresh_home, tmp_path)

    assert [words for words in shows if words not in said] == [], said


def test_all_examples_are_run() -> None:
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_the_page_names_everything(client: type) -> None:
    public = [name for name in vars(client) if not name.startswith("_")]
    parameters = [name for name in inspect.signature(client).parameters if name != "self"]
    for name in public + parameters:
        assert re.search(rf"\b{name}\b", TEXT), name
