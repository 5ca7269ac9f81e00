"""A full disk costs output, the oldest first; it stops neither a child nor the keeper.

The home lies on a small tmpfs in a mount namespace of the keeper's own.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from tests.keeper.rig import Keeper, Refused
from tests.kit import numbered, program

MIB = 1024 * 1024

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="mount namespaces are Linux's"),
    pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare(1) is not there"),
]


@pytest.fixture
def on_small_disk(dormant: Keeper) -> Callable[[int], Keeper]:
    """Launches a keeper whose home is a tmpfs of so many MiB."""

    def launch(size: int) -> Keeper:
        home = dormant.home
        mount = f"mount -t tmpfs -o size={size}m tmpfs {home.path} && mkdir -p {home.runs} {home.keeper}"
        dormant.launch(["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"], before=f"{mount} || exit 1")
        dormant.root = f"/proc/{dormant.pid}/root"
        return dormant

    return launch


def write_for_ever(file: IO[bytes], size: int) -> None:
    while True:
        file.write(bytes(size))


def fill(keeper: Keeper) -> Path:
    """Take all the space that is left; the file that does."""
    path = Path(keeper.root + keeper.home.path, "ballast")
    with open(path, "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            with pytest.raises(OSError, match="No space left"):
                write_for_ever(file, size)
    return path


def has_true_offsets(keeper: Keeper, run_id: str, stream: str = "stdout") -> bool:
    """True when every segment holds exactly the bytes of its offsets."""
    return all(s.data == numbered(len(s.data), s.start) for s in keeper.folder(run_id).segments(stream))


def test_the_oldest_output_is_lost_and_the_child_ends(on_small_disk: Callable[[int], Keeper]) -> None:
    """20 MiB on a disk of 6."""
    keeper = on_small_disk(6)
    keeper.start("r", program("write_bytes", 20 * MIB))
    assert keeper.link.event("exited", "r", 20)[0].startswith(b"exit 0 ")
    assert has_true_offsets(keeper, "r")
    segments = keeper.folder("r").segments("stdout")
    told = [int(event[2]) for event in keeper.link.events() if event[0] == b"lost"]
    assert len(told) == 2  # at the beginning, and the rest at the end
    assert sum(told) == 20 * MIB - sum(len(segment.data) for segment in segments)
    assert segments[0].start > 10 * MIB
    assert sum(len(segment.data) for segment in segments) > MIB
    assert segments[-1].end == 20 * MIB


def test_output_comes_again_when_there_is_space(on_small_disk: Callable[[int], Keeper]) -> None:
    """What came meanwhile is a gap between two segments, so every cursor stays true."""
    keeper = on_small_disk(2)
    keeper.start("r", program("echo_stdin"))
    keeper.await_output("r", b"ready\n")
    ballast = fill(keeper)
    lost = b"x" * 5000
    keeper.write("r", lost + b"\n")
    keeper.link.tell("watch", b"r", b"%d" % len(b"ready\ngot: " + lost), b"0")
    keeper.link.event("grew", "r")
    ballast.unlink()
    keeper.write("r", b"again\n")
    keeper.await_output("r", b"again\n")
    last = keeper.folder("r").segments("stdout")[-1]
    assert last.data.endswith(b"got: again\n")
    assert last.end == len(b"ready\ngot: " + lost + b"\ngot: again\n")


def test_nothing_starts_on_a_full_disk(on_small_disk: Callable[[int], Keeper], tmp_path: Path) -> None:
    """The pid could not be written down, so the command never runs; what runs goes on."""
    keeper = on_small_disk(2)
    keeper.start("old", program("echo_stdin"))
    order = keeper.order("r", ["touch", f"{tmp_path}/ran"])
    ballast = fill(keeper)
    with pytest.raises(Refused) as caught:
        keeper.link.ask("start", *order)
    assert (caught.value.stage, caught.value.errno) == ("keeper", errno.ENOSPC)
    assert not (tmp_path / "ran").exists()
    ballast.unlink()
    assert keeper.run("next", ["touch", f"{tmp_path}/ran"]).ended()[:2] == ["exit", "0"]
    assert (tmp_path / "ran").exists()
    assert keeper.signal("old", 9) == b"sent"


def test_an_end_on_a_full_disk_is_told(on_small_disk: Callable[[int], Keeper]) -> None:
    """The record cannot be written; the daemon hears of the end all the same, and so does the next one."""
    keeper = on_small_disk(2)
    keeper.start("r", program("sleeper"))
    keeper.await_output("r", b"ready")
    fill(keeper)
    keeper.signal("r", 15)
    assert keeper.link.event("exited", "r")[0].startswith(b"signal 15 ")
    assert b"signal 15 " in keeper.connect().ask("list")[0]
    keeper.release("r")


def test_both_streams_flood_a_full_disk(on_small_disk: Callable[[int], Keeper]) -> None:
    """Neither stream starves for good: each has its newest bytes, or at least a true offset."""
    keeper = on_small_disk(2)
    fill(keeper)
    Path(keeper.root + keeper.home.path, "ballast").unlink()
    script = (
        f"{' '.join(program('write_bytes', 3 * MIB, 'stderr'))} & {' '.join(program('write_bytes', 3 * MIB))}; wait"
    )
    keeper.start("r", ["sh", "-c", script])
    assert keeper.link.event("exited", "r", 20)[0].startswith(b"exit 0 ")
    assert has_true_offsets(keeper, "r")
    assert has_true_offsets(keeper, "r", "stderr")
