"""Files of the home are deleted under the bridge: they are there again, and who is connected never notices."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from persistproc_mcp.serving.asking import about_home, about_port
from tests.bridge.test_death import kill, serving_in, watcher_of
from tests.cli.support import Cli
from tests.kit import eventually, unseen, wait_gone
from tests.kit.bridge import Bridge

WITHIN = 15.0


def all_of(bridge: Bridge) -> tuple[int, int]:
    """Who looks after the home: the one that serves, and its daemon."""
    with bridge.client() as client:
        return serving_in(bridge), client.hello["pid"]


def is_whole(bridge: Bridge) -> bool:
    """Whether its socket answers, and its lock is held and says who holds it."""
    told = about_home(bridge.home, WITHIN)
    if told is None or told["pid"] != serving_in(bridge) or not os.path.exists(bridge.home.bridge_lock):
        return False
    assert stat.S_IMODE(os.stat(bridge.socket).st_mode) == 0o600
    with open(bridge.home.bridge_lock, "rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return b"pid" in lock.readline()
    return False


def mended(bridge: Bridge, *names: str) -> None:
    """Return when there are files of these names again, and the bridge is whole."""
    paths = [os.path.join(bridge.home.path, name) for name in names]
    eventually(lambda: all(map(os.path.exists, paths)) and is_whole(bridge), WITHIN, f"{names} are there again")


def test_what_is_deleted_is_there_again(new_bridge: Callable[..., Bridge], tmp_path: Path) -> None:
    bridge = new_bridge()
    bridge.start("--token")
    home, watcher = Path(bridge.home.path), watcher_of(bridge)
    token = (home / "token").read_text("ascii")
    with unseen(*all_of(bridge)):
        shutil.rmtree(home)
    mended(bridge, "mcp.sock", "bridge.lock", "bridge.log", "token")
    assert (home / "token").read_text("ascii") == token
    assert stat.S_IMODE((home / "token").stat().st_mode) == 0o600
    assert (serving_in(bridge), watcher_of(bridge)) == (bridge.pid, watcher)
    cli = Cli(bridge.home, tmp_path)
    assert f"pid {bridge.pid}" in cli("serve", "--status", check=0).stdout
    # The next child has what this one has made, and until it is there whoever comes waits.
    kill(bridge.pid)
    assert about_home(bridge.home, WITHIN) is not None
    mended(bridge)
    bridge.pid = serving_in(bridge)
    assert watcher_of(bridge) == watcher
    for name in ("mcp.sock", "bridge.lock"):
        (home / name).unlink()
        mended(bridge, name)
        assert serving_in(bridge) == bridge.pid
    # And the socket of the ones before is not in the way of its end.
    assert f"(pid {bridge.pid})" in cli("serve", "--stop", check=0).stdout
    wait_gone(watcher)
    assert not os.path.exists(bridge.socket)
    assert '"no_port"' in (home / "bridge.lock").read_text("utf-8"), "the next one serves as this one did"
    assert '"pid"' not in (home / "bridge.lock").read_text("utf-8")


def test_a_home_that_is_not_ours_is_left_alone(new_bridge: Callable[..., Bridge], tmp_path: Path) -> None:
    bridge = new_bridge()
    bridge.start()
    home, away, other = Path(bridge.home.path), tmp_path / "away", tmp_path / "other"
    watcher = watcher_of(bridge)
    other.mkdir(0o700)
    both = all_of(bridge)
    with unseen(*both):
        home.rename(away)
        home.symlink_to(other)
    eventually(lambda: "home.refused" in (away / "bridge.log").read_text("utf-8"), WITHIN)
    assert list(other.iterdir()) == []
    told = about_port("127.0.0.1", bridge.port, WITHIN)
    assert told is not None
    assert told["pid"] == bridge.pid
    # Another bridge that is faster has the home then.
    with contextlib.ExitStack() as stack:
        with unseen(*both):
            home.unlink()
            away.rename(home)
            (home / "bridge.lock").unlink()
            fcntl.flock(stack.enter_context(open(home / "bridge.lock", "wb")), fcntl.LOCK_EX | fcntl.LOCK_NB)
        wait_gone(watcher, WITHIN)
    assert "home.taken" in bridge.log()
