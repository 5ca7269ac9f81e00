"""A socket whose file was deleted is bound again: whatever else is in its folder, and however long its path is."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from persistproc_core.daemon.listener import Listener
from persistproc_core.daemon.log import Log
from persistproc_core.keeper.link import Listener as KeeperListener
from persistproc_core.keeper.links import Links
from persistproc_core.keeper.poll import Poll
from persistproc_core.paths import MAX_SOCKET_PATH
from persistproc_core.unix_socket import bind_private

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pp-") as path:
        yield Path(path)


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_the_sockets_of_other_homes_are_left_alone(folder: Path) -> None:
    """Where paths are too long, the sockets of all homes of a user are in one folder."""
    log = Log(str(folder / "log"))
    ours, theirs = Listener(str(folder / "0123456789abcdef"), log), Listener(str(folder / "fedcba9876543210"), log)
    others = bind_private(str(folder / ".new"), 1)  # of one that is just being made by another daemon
    (folder / "0123456789abcdef").unlink()
    ours.bind_again()
    assert ours.is_whole()
    assert theirs.is_whole()
    assert answers(folder / ".new")
    assert names(folder) - {"log"} == {"0123456789abcdef", "fedcba9876543210", ".new"}
    for listener in (ours, theirs):
        listener.close()
    others.close()
    log.close()


async def test_a_path_as_long_as_can_be(folder: Path) -> None:
    deep = folder / ("x" * (MAX_SOCKET_PATH - len(str(folder)) - len("//sock")))
    deep.mkdir()
    path = deep / "sock"
    assert len(str(path)) == MAX_SOCKET_PATH
    log = Log(str(folder / "log"))
    listener = Listener(str(path), log)
    path.unlink()
    listener.bind_again()
    assert answers(path)
    listener.close()
    log.close()
    keepers = Links(KeeperListener(str(path)), Poll(), lambda *_: None, [])
    path.unlink()
    keepers.listen_again()
    assert answers(path)
    keepers.listener.close()
