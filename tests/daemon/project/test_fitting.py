"""Whether a value of the environment may be what the file asks for, where the caller's part of it is not known."""

from __future__ import annotations

import pytest

from persistproc_core.daemon.project.changes import fits, masked

MASK = masked({"A": "x"}, ("A",))["A"]


@pytest.mark.parametrize(
    ("asked", "running", "expected"),
    [
        ("a", "a", True),
        ("a", "b", False),
        (MASK, "", True),
        (f"bin:{MASK}", "bin:/usr/bin", True),
        (f"bin:{MASK}", "sbin:/usr/bin", False),
        (f"{MASK}:bin", "/usr/bin:bin", True),
        (f"{MASK}:bin", "/usr/bin", False),
        (f"a{MASK}b{MASK}c", "a1b2c", True),
        (f"a{MASK}b{MASK}c", "abc", True),
        (f"a{MASK}b{MASK}c", "ac", False),
        (f"aa{MASK}aa", "aaa", False),
    ],
)
def test_the_unknown_part_may_be_anything(asked: str, running: str, expected: bool) -> None:
    assert fits(asked, running) is expected
