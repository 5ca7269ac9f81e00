"""SECURITY.md names a test for each threat, and says what nothing holds. `test_named_tests` looks for the tests."""

from __future__ import annotations

import re

from tests.meta.sources import ROOT

TEXT = (ROOT / "SECURITY.md").read_text("utf-8")


def test_every_threat_that_is_held_names_its_test() -> None:
    held = TEXT.split("## What is held")[1].split("## What stays open")[0]
    threats = re.split(r"\n(?=- \*\*)", held)[1:]
    assert len(threats) >= 12
    assert [threat.split("\n")[0] for threat in threats if "`tests/" not in threat] == []


def test_what_stays_open_is_said() -> None:
    opened = TEXT.split("## What stays open")[1]
    for word in ("runs as you", "sandbox", "Prompt injection", "port 8947 first", "Root"):
        assert word in opened
