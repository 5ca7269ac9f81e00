"""Pages claim nothing that no test shows: each test that one of them names is there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.meta.sources import ROOT

PAGES = ("SECURITY.md", "docs/design.md", "docs/reliability.md")
NAMED = sorted(
    (page, path, name)
    for page in PAGES
    for path, name in set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / page).read_text("utf-8")))
)


@pytest.mark.parametrize(("page", "path", "name"), NAMED, ids=[f"{page} {path}::{name}" for page, path, name in NAMED])
def test_the_test_is_there(page: str, path: str, name: str) -> None:
    module = ast.parse((ROOT / path).read_text("utf-8"))
    functions = [node.name for node in module.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    assert name in functions


def test_every_promise_names_its_tests() -> None:
    table = (ROOT / "docs/reliability.md").read_text("utf-8").split("## What is promised")[1].split("\n## ")[0]
    promises = re.split(r"\n(?=\*\*P\d)", table)[1:]
    assert [promise[2:4] for promise in promises] == [f"P{number}" for number in range(1, 10)]
    assert [promise[:4] for promise in promises if "`tests/" not in promise] == []
