"""Sizes as people write them."""

from __future__ import annotations

import pytest

from persistproc_core.sizes import MAX_SIZE, parse_size, size_text

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("65536", 65536),
        ("7 B", 7),
        ("64 MiB", 64 * MIB),
        ("64MiB", 64 * MIB),
        ("64mib", 64 * MIB),
        ("64M", 64 * MIB),
        (" 2 GiB ", 2048 * MIB),
        ("2GB", 2_000_000_000),
        ("2 kb", 2000),
        ("1.5 GiB", 1536 * MIB),
        ("0.1K", 102),
        ("1 PiB", MAX_SIZE),
        ("3 t", 3 * MIB * MIB),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "MiB",
        "x",
        "-1",
        "+1",
        "1 XB",
        "1  MiB",
        "1 MiBs",
        "1e3",
        "1,5 GB",
        "1.",
        ".5",
        "5iB",
        "5 i",
        "٣",
        "9" * 17,
    ],
)
def test_no_sizes(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize("size", [1, 1023, 1024, 1536, 64 * MIB, 5 * 1024 * MIB, MAX_SIZE, MAX_SIZE - 1])
def test_a_size_is_read_as_it_is_shown(size: int) -> None:
    assert parse_size(size_text(size).removesuffix("ytes")) == size
