"""What the kernel tells of things that go away."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistproc_core.inotify import Change, Inotify

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify(7) is Linux's")


@pytest.fixture
def inotify() -> Iterator[Inotify]:
    """One instance."""
    inotify = Inotify()
    yield inotify
    inotify.close()


def readable(inotify: Inotify) -> bool:
    return bool(select.select([inotify.fd], [], [], 0)[0])


def test_only_what_goes_away_is_told(inotify: Inotify, tmp_path: Path) -> None:
    inotify.watch(str(tmp_path))
    (tmp_path / "a").touch()
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").mkdir()
    assert not readable(inotify)
    assert inotify.read() == []
    (tmp_path / "a").rename(tmp_path / "ä b")
    (tmp_path / "ä b").unlink()
    (tmp_path / "b").rmdir()
    assert readable(inotify)
    assert inotify.read() == [Change(str(tmp_path), name) for name in ("a", "ä b", "b")]
    assert not readable(inotify)


def test_the_folder_itself_goes_and_another_takes_its_place(inotify: Inotify, tmp_path: Path) -> None:
    folder, aside = tmp_path / "f", tmp_path / "g"
    folder.mkdir()
    inotify.watch(str(folder))
    folder.rename(aside)
    assert Change(str(folder), "") in inotify.read()
    folder.mkdir()
    inotify.watch(str(folder))
    inotify.watch(str(folder))
    inotify.read()
    (aside / "x").touch()
    (aside / "x").unlink()
    assert inotify.read() == []  # that is nobody's business any more
    (folder / "x").touch()
    (folder / "x").unlink()
    assert inotify.read() == [Change(str(folder), "x")]
    folder.rmdir()
    assert Change(str(folder), "") in inotify.read()


@pytest.mark.parametrize(
    "make",
    [Path.touch, lambda path: os.symlink("/tmp", path), lambda path: None],
    ids=["file", "link", "nothing"],
)
def test_what_is_no_folder_is_not_watched(inotify: Inotify, tmp_path: Path, make: object) -> None:
    path = tmp_path / "f"
    assert callable(make)
    make(path)
    with pytest.raises(OSError, match=r"Not a directory|No such file"):
        inotify.watch(str(path))


def test_it_is_not_inherited(inotify: Inotify) -> None:
    assert not os.get_inheritable(inotify.fd)
