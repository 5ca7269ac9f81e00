"""A keeper that had no descriptor left could not open a child's log: it took that for a full disk, deleted the oldest
segment and threw away what the child had written."""

from __future__ import annotations

import errno
import itertools

from tests.keeper.rig import Keeper, Refused
from tests.kit import numbered, program

SEGMENTED = 9 * 1024 * 1024
SPEAKER = ["sh", "-c", "read line; printf %01000d 1; printf %01000d 2 >&2; read line"]


def has_room(keeper: Keeper, run_id: str) -> bool:
    """Start a run; false when the keeper has no descriptors for it."""
    try:
        keeper.start(run_id, SPEAKER)
    except Refused as refused:
        return refused.errno != errno.EMFILE
    return True


def test_no_byte_is_lost_and_no_segment_deleted(dormant: Keeper) -> None:
    keeper = dormant
    keeper.launch(before="ulimit -n 64")
    keeper.run("big", program("write_bytes", SEGMENTED))
    runs = list(itertools.takewhile(lambda run_id: has_room(keeper, run_id), (f"r{n}" for n in range(64))))
    assert 8 < len(runs) < 64
    for run_id in runs:
        keeper.write(run_id, b"go\n")
    for run_id in runs:
        assert keeper.await_output(run_id, b"1", "stdout") == b"1".zfill(1000)
        assert keeper.await_output(run_id, b"2", "stderr") == b"2".zfill(1000)
    assert keeper.folder("big").stdout == numbered(SEGMENTED)
    assert keeper.is_alive
