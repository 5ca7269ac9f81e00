"""The keeper is small, and stays so."""

from __future__ import annotations

from pathlib import Path

from tests.keeper.rig import Keeper
from tests.kit import program


def resident_kib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text("ascii").split("VmRSS:")[1].split()[0])


def test_under_twelve_mebibytes(dormant: Keeper) -> None:
    """Launched twice: the first one compiles, as the first one on a machine does."""
    dormant.launch()
    dormant.link.close()
    dormant.wait()
    dormant.launch()
    for number in range(20):
        dormant.start(f"r{number}", program("sleeper"))
    assert resident_kib(dormant.pid) < 12 * 1024


def test_a_flood_costs_no_memory(keeper: Keeper) -> None:
    """Bytes go from the FIFO to the file inside the kernel."""
    keeper.run("warm", ["head", "-c", "1000000", "/dev/zero"])
    before = resident_kib(keeper.pid)
    keeper.run("r", ["head", "-c", "60000000", "/dev/zero"])
    assert resident_kib(keeper.pid) - before < 512


def test_runs_that_are_over_cost_no_memory(keeper: Keeper) -> None:
    for number in range(100):
        keeper.run(f"r{number}", ["true"])
        keeper.release(f"r{number}")
        if number == 30:
            before = resident_kib(keeper.pid)
    assert resident_kib(keeper.pid) - before < 256
