"""SECURITY.md claims nothing that no test shows: each test that it names is there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.meta.sources import ROOT

TEXT = (ROOT / "SECURITY.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[f"{path}::{name}" for path, name in NAMED])
def test_the_test_is_there(path: str, name: str) -> None:
    module = ast.parse((ROOT / path).read_text("utf-8"))
    functions = [node.name for node in module.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    assert name in functions


def test_every_threat_that_is_held_names_its_test() -> None:
    held = TEXT.split("## What is held")[1].split("## What stays open")[0]
    threats = re.split(r"\n(?=- \*\*)", held)[1:]
    assert len(threats) >= 12
    assert [threat.split("\n")[0] for threat in threats if "`tests/" not in threat] == []


def test_what_stays_open_is_said() -> None:
    opened = TEXT.split("## What stays open")[1]
    for word in ("runs as you", "sandbox", "Prompt injection", "port 8947 first", "Root"):
        assert word in opened
