"""The examples of docs/api/http.md work as they are written."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.kit import free_port
from tests.kit.bridge import Bridge
from tests.meta.sources import ROOT

PAGE = ROOT / "docs" / "api" / "http.md"
EXAMPLES = re.findall(r"^<!-- test: bridge -->\n```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_example_works(bridge: Bridge, tmp_path: Path, number: int) -> None:
    text = EXAMPLES[number].replace("8947", str(bridge.port)).replace("8123", str(free_port()))
    text = text.replace("~/.persistproc/mcp.sock", bridge.socket)
    done = subprocess.run(
        ["sh", "-ex"],
        input=text.encode(),
        cwd=tmp_path,
        env={**os.environ, "no_proxy": "*"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=50,
    )
    told = done.stdout.decode()
    with bridge.client(tmp_path) as client:
        client.prune_processes()
    assert done.returncode == 0, told
    if "hello" in text:
        assert "data: hello\n" in told
        assert " hello failed (exit code 3)" in told
