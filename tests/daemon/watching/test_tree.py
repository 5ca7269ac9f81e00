"""A folder that is watched: what is told of it, by the kernel and by looking."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.from_thread
import pytest

from persistproc_core.daemon.log import Log
from persistproc_core.daemon.tasks import Tasks
from persistproc_core.daemon.watching import tree as tree_module
from persistproc_core.daemon.watching.polling import Polling
from persistproc_core.daemon.watching.tree import Tree
from persistproc_core.daemon.watching.trees import Trees
from persistproc_core.inotify import Inotify
from tests.daemon.fdinfo import count_lines

pytestmark = pytest.mark.anyio

linux = pytest.mark.skipif(sys.platform != "linux", reason="inotify(7) is Linux's")


class Told:
    """What was told, relative to a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.paths: set[str] = set()
        self.problem = ""
        self._news = anyio.Event()

    def __call__(self, paths: Iterable[str]) -> None:
        self.paths |= {os.path.relpath(path, self._folder) for path in paths}
        self._news.set()

    def fail(self, problem: str) -> None:
        self.problem = problem

    async def take(self, last: str) -> set[str]:
        """What was told, once that path was: what comes after it is not there yet, what came before it is."""
        with anyio.fail_after(10):
            while last not in self.paths:
                self._news = anyio.Event()
                await self._news.wait()
        taken, self.paths = self.paths, set()
        return taken - {last}


@asynccontextmanager
async def watched(watcher: Tree | Polling, folder: Path) -> AsyncIterator[Told]:
    told = Told(folder)
    begun = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(watcher.run, told, begun)
        with anyio.fail_after(10):
            await begun.wait()
        yield told
        group.cancel_scope.cancel()


def write(path: Path, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


@linux
async def test_what_is_written_made_moved_and_deleted(tmp_path: Path) -> None:
    write(tmp_path / "old" / "a")
    write(tmp_path / "b")
    async with watched(Tree(str(tmp_path), frozenset()), tmp_path) as told:
        write(tmp_path / "old" / "a", "y")
        (tmp_path / "b").unlink()
        write(tmp_path / "last")
        assert await told.take("last") == {"old/a", "b"}

        (tmp_path / "old").rename(tmp_path / "new")
        os.link(tmp_path / "last", tmp_path / "new" / "name")
        os.symlink("last", tmp_path / "link")
        write(tmp_path / "last2")
        assert await told.take("last2") == {"old", "new/a", "new/name", "link"}

        (tmp_path / "new" / "empty").open("w", encoding="utf-8").close()
        os.utime(tmp_path / "last2")
        write(tmp_path / "x" / "y" / "z" / "file")
        shutil.rmtree(tmp_path / "new")
        write(tmp_path / "last3")
        found = await told.take("last3")
        assert {"new/empty", "x/y/z/file", "new/a"} <= found
        assert not any(path.startswith("old") for path in found), "what was moved away has its new name"


@linux
async def test_the_folder_need_not_be_there_and_may_come_again(tmp_path: Path) -> None:
    base = tmp_path / "a" / "b"
    async with watched(Tree(str(base), frozenset()), base) as told:
        write(tmp_path / "stranger")
        write(base / "first")
        assert await told.take("first") == set()
        shutil.rmtree(tmp_path / "a")
        write(base / "second")
        assert await told.take("second") <= {"first"}


@linux
async def test_what_is_ignored_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path / ".gitignore", "dist/\nout\n")
    for name in ("dist", "node_modules", "src", "out"):
        write(tmp_path / name / "deep" / "a")
    tree = Tree(str(tmp_path), frozenset({str(tmp_path / "out" / "deep")}))
    async with watched(tree, tmp_path) as told:
        folders = inotify_watches()
        for name in ("dist", "node_modules", "src", "out"):
            write(tmp_path / name / "deep" / "a", "y")
        write(tmp_path / "node_modules" / "new" / "b")
        write(tmp_path / "last")
        assert await told.take("last") == {"src/deep/a", "out/deep/a"}
        assert folders == 5, "the folder itself, src, src/deep, and out, out/deep, which a pattern names"


@linux
async def test_a_folder_is_watched_once_whoever_wants_it(tmp_path: Path) -> None:
    base = tmp_path / "src"
    write(base / "inner" / "a")
    log = Log(str(tmp_path / "log"))
    one, other = Told(base), Told(base)
    async with anyio.create_task_group() as group:
        trees = Trees(Tasks(group, log), log)
        async with trees.watched(str(base), frozenset(), one, one.fail):
            async with trees.watched(str(base), frozenset(), other, other.fail):
                assert inotify_watches() == 2
                write(base / "last")
                assert await one.take("last") == await other.take("last") == set()
            write(base / "last2")
            assert await one.take("last2") == set()
        with anyio.fail_after(5):
            while inotify_watches():  # noqa: ASYNC110
                await anyio.sleep(0.01)
        assert other.paths == set()
    log.close()


@linux
async def test_rules_that_nobody_can_read_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".gitignore")
    async with watched(Tree(str(tmp_path), frozenset()), tmp_path) as told:
        write(tmp_path / "a")
        write(tmp_path / "last")
        assert await told.take("last") == {"a"}


@linux
async def test_a_tree_that_is_too_large_is_given_up_and_takes_no_watches(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"))
    base = tmp_path / "src"
    for number in range(20):
        write(base / str(number) / "a")
    early, late, large = Told(base), Told(base), Told(base)
    async with anyio.create_task_group() as group:
        trees = Trees(Tasks(group, log), log, most_folders=25)
        with anyio.fail_after(10):
            async with trees.watched(str(base), frozenset(), early, early.fail):
                assert early.problem == ""
                for number in range(20):
                    write(base / "new" / str(number) / "a")
                while not early.problem:  # noqa: ASYNC110
                    await anyio.sleep(0.01)
                async with trees.watched(str(base), frozenset(), late, late.fail):
                    assert late.problem == early.problem
            async with trees.watched(str(base), frozenset(), large, large.fail):
                assert (
                    large.problem == f"{base} cannot be watched: it holds more than 25 folders that git does not ignore"
                )
            assert inotify_watches() == 0
    log.close()


@linux
async def test_a_walk_ends_with_who_wanted_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the daemon does not wait until a large tree is read to its end."""
    for number in range(3000):
        (tmp_path / str(number)).mkdir()
    scope, counts = anyio.CancelScope(), []

    class Left(Inotify):
        def watch(self, folder: str, *, gains: bool = False) -> None:
            super().watch(folder, gains=gains)
            if self.count == 10:
                anyio.from_thread.run_sync(scope.cancel)

        def close(self) -> None:
            counts.append(self.count)
            super().close()

    monkeypatch.setattr(tree_module, "Inotify", Left)
    with scope:
        await Tree(str(tmp_path), frozenset()).run(Told(tmp_path), anyio.Event())
    assert len(counts) == 1
    assert 10 <= counts[0] < 3000
    assert inotify_watches() == 0


@linux
async def test_a_folder_behind_a_link_is_told_by_the_name_that_was_given(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"))
    write(tmp_path / "real" / "dist" / "a")
    write(tmp_path / "real" / ".gitignore", "dist/\n")
    link = tmp_path / "src"
    link.symlink_to("real")
    told = Told(link)
    async with anyio.create_task_group() as group:
        trees = Trees(Tasks(group, log), log)
        async with trees.watched(str(link), frozenset({str(link / "dist")}), told, told.fail):
            write(tmp_path / "real" / "dist" / "a", "y")
            write(tmp_path / "real" / "last")
            assert await told.take("last") == {"dist/a"}
    log.close()


def inotify_watches() -> int:
    """Of this process."""
    return count_lines(os.getpid(), "inotify ")


@pytest.mark.parametrize("looks", [True, False], ids=["looking", "told"])
async def test_without_the_kernel(tmp_path: Path, looks: bool) -> None:
    write(tmp_path / ".gitignore", "dist/\n")
    async with watched(Polling(str(tmp_path), frozenset(), looks=looks), tmp_path) as told:
        write(tmp_path / "dist" / "a")
        write(tmp_path / "src" / "a")
        write(tmp_path / "last")
        assert "dist/a" not in await told.take("last")
