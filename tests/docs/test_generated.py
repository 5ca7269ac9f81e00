"""The generated pages are what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.generate import PAGES


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page_is_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == PAGES[path](), "run: make docs"
