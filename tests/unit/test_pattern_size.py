"""Which regular expressions are too long to be compiled."""

from __future__ import annotations

import pytest

from persistproc_core.pattern_size import MOST, is_too_long


@pytest.mark.parametrize(
    "pattern",
    [
        "((a{1000}){1000}){1000}",
        "(?:b{0}(a{1000}){1000})",
        "(a{1,1000}){,1000}",
        r"(a{1000}[)]){1000}",
        r"(a{1000}\)){1000}",
        "(a{1000}(?#:)){1000}",
        "(?x)(a{1 000} # )\n){1000}",
        "(?x) # [ (?# \n ((a{1000}){1000})",
        "(?V1)([[a])]b{1000}){1000}",
        f"a{{{MOST + 1}}}",
        "a{99999999999999999999}",
        "(" * 5 + "(a{1000})" + "){10}" * 5,
    ],
)
def test_too_long(pattern: str) -> None:
    assert is_too_long(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "{}",
        "{,}",
        ")",
        "[" * MOST,
        "(?#" * 10_000,
        "(a{1000}",
        f"a{{{MOST}}}",
        "(a{300}){300}",
        "[0-9a-f]{40} [0-9a-f]{64} [0-9a-f]{40} [0-9a-f]{128}",
        r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6} \d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3} \w{8}-\w{4}-\w{4}-\w{4}-\w{12}",
        r"[{1000}][{1000}]",
        "(?x)a{100} b{100}",
    ],
)
def test_short_enough(pattern: str) -> None:
    assert not is_too_long(pattern)
