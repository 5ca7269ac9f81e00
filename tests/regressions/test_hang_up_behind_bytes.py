"""A child wrote quickly, closed its streams and lived on. The keeper, which was resting, saw the hang-up alone, took it
for the end and never read what was still in the FIFO."""

from __future__ import annotations

import sys

from tests.keeper.rig import Keeper

LINES = 3000
CHILDREN = 6
WRITER = f"""
import os
for number in range({LINES}):
    os.write(1, b"line %05d\\n" % number)
os.close(1)
os.close(2)
os.read(0, 1)
"""


def test_what_stands_before_a_hang_up_is_read(keeper: Keeper) -> None:
    runs = [f"r{number}" for number in range(CHILDREN)]
    for run_id in runs:
        keeper.start(run_id, [sys.executable, "-I", "-S", "-c", WRITER])
    whole = b"".join(b"line %05d\n" % number for number in range(LINES))
    for run_id in runs:
        assert keeper.await_output(run_id, b"line %05d\n" % (LINES - 1)) == whole
