"""A page in a real browser that tries everything a page can do, from another port and under another name."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.agents.browser import CHROMIUM, browsing, foreign_server
from tests.bridge.hostile.requests import Target
from tests.kit.bridge import Bridge

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
# The second one is what DNS rebinding looks like: the page's own name, and the address of the bridge.
HOSTS = ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "evil.test"]
REBOUND = "--host-resolver-rules=MAP evil.test 127.0.0.1"
SECONDS = 50.0


@pytest.mark.parametrize("site", ["localhost", "evil.test"])
def test_a_page_runs_nothing_and_reads_nothing(site: str, bridge: Bridge, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    target = Target(bridge.port, f"touch {work}/it-ran", str(work))
    before = len(bridge.log())
    with foreign_server() as (port, outcomes):
        told = {
            "hosts": HOSTS,
            "port": bridge.port,
            "start": json.dumps(target.start()),
            "rpc": target.rpc().decode(),
            "tool": target.tool().decode(),
        }
        url = f"http://{site}:{port}/#{quote(json.dumps(told))}"
        with browsing(url, tmp_path / "profile", REBOUND):
            became = outcomes.get(timeout=SECONDS)
    assert len(became) == len(HOSTS) * 65
    # Opaque: it was sent, and the page is not told what was answered. Frames and forms load whatever the answer is.
    assert [name for name, what in became.items() if re.match("read|opened", what)] == []
    told_by_bridge = bridge.log()[before:]
    assert " request " not in told_by_bridge, "a request of the page came past the guard"
    for reason in ("foreign_origin", "foreign_page", "method_not_allowed", "wrong_host"):
        assert f"reason={reason}" in told_by_bridge, "it did not even try"
    with bridge.client(work) as client:
        assert client.list_processes()["processes"] == []
    assert os.listdir(work) == []


def test_the_bridges_own_page_opens(bridge: Bridge, tmp_path: Path) -> None:
    with browsing(f"{bridge.url}/docs", tmp_path, "--dump-dom") as browser:
        shown, _ = browser.communicate(timeout=SECONDS)
    assert b"persistproc" in shown
    assert browser.returncode == 0


def test_a_rebound_name_shows_nothing(bridge: Bridge, tmp_path: Path) -> None:
    url = f"http://evil.test:{bridge.port}/docs"
    with browsing(url, tmp_path, REBOUND, "--dump-dom") as browser:
        shown, _ = browser.communicate(timeout=SECONDS)
    assert b"wrong_host" in shown
