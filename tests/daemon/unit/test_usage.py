"""Processor time and memory of real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from persistproc_core.daemon.kernel import usage
from persistproc_core.daemon.kernel.usage import Usage, UsageMeter, resident_bytes
from tests.kit import eventually, read_line


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def idle() -> Iterator[subprocess.Popen[bytes]]:
    code = "import signal; data = bytearray(30_000_000); print('ready', flush=True); signal.pause()"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    read_line(process.stdout)
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def spend(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait until the process has used this much more processor time."""
    times = psutil.Process(process.pid).cpu_times
    goal = sum(times()[:2]) + seconds
    eventually(lambda: sum(times()[:2]) >= goal, within=20)


def percent(meter: UsageMeter, *processes: subprocess.Popen[bytes]) -> float:
    found = meter.measure({"run": [process.pid for process in processes]})["run"].cpu_percent
    assert found is not None
    return found


def test_the_first_question_tells_the_time_since_the_start(busy: subprocess.Popen[bytes]) -> None:
    spend(busy, 0.3)

    assert 1 < percent(UsageMeter(), busy) <= 110


def test_the_next_question_tells_the_time_since_the_last(
    busy: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "SHORTEST_WINDOW", 0.0)
    meter = UsageMeter()

    def moment() -> tuple[float, float]:
        return sum(psutil.Process(busy.pid).cpu_times()[:2]), time.monotonic()

    # What it measures lies between what was spent from the first to the last moment, and from the second to the third.
    moments = [moment()]
    percent(meter, busy)
    moments.append(moment())
    spend(busy, 0.4)
    moments.append(moment())
    found = percent(meter, busy)
    moments.append(moment())

    (first, second, third, last), ticks = moments, 0.04
    least = (third[0] - second[0] - ticks) / (last[1] - first[1])
    most = (last[0] - first[0] + ticks) / (third[1] - second[1])
    assert 100 * least <= found <= 100 * most


def test_two_questions_in_a_row_get_one_answer(busy: subprocess.Popen[bytes]) -> None:
    meter = UsageMeter()
    spend(busy, 0.1)

    assert percent(meter, busy) == percent(meter, busy)


def test_an_idle_process_uses_memory_and_no_time(
    idle: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "SHORTEST_WINDOW", 0.0)
    meter = UsageMeter()
    meter.measure({"run": [idle.pid]})

    found = meter.measure({"run": [idle.pid]})["run"]

    assert found.cpu_percent == 0
    assert found.memory_bytes is not None
    assert 30_000_000 < found.memory_bytes < 100_000_000


def test_all_processes_of_a_run_count(idle: subprocess.Popen[bytes], busy: subprocess.Popen[bytes]) -> None:
    meter = UsageMeter()
    found = meter.measure({"both": [idle.pid, busy.pid, idle.pid], "one": [busy.pid]})

    assert found["both"].memory_bytes is not None
    assert found["one"].memory_bytes is not None
    assert found["both"].memory_bytes - found["one"].memory_bytes > 30_000_000


def test_a_new_member_counts_from_its_start_an_old_one_from_now_on(
    idle: subprocess.Popen[bytes], busy: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "SHORTEST_WINDOW", 0.0)
    spend(busy, 0.3)
    meter = UsageMeter()
    percent(meter, idle)

    begin = time.monotonic()
    assert percent(meter, idle, busy) == 0

    new = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        spend(new, 0.2)
        found = percent(meter, idle, new)
        # On a busy machine a fifth of a second of work may take many; a tenth is left to the ticks of the kernel.
        assert found > 0.9 * 100 * 0.2 / (time.monotonic() - begin)
    finally:
        new.kill()
        new.wait()


def test_who_is_gone_is_forgotten(busy: subprocess.Popen[bytes]) -> None:
    meter = UsageMeter()
    percent(meter, busy)
    busy.kill()

    eventually(lambda: meter.measure({"run": [busy.pid]}) == {"run": Usage(None, None)})
    busy.wait()

    assert meter.measure({"run": [busy.pid], "empty": []}) == {"run": Usage(None, None), "empty": Usage(None, None)}
    assert not meter._samples
    assert resident_bytes(busy.pid) is None


def test_psutil_tells_the_same(idle: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    ours = UsageMeter().measure({"run": [idle.pid]})["run"]
    monkeypatch.setattr(usage, "HAVE_PROCFS", False)
    theirs = UsageMeter().measure({"run": [idle.pid]})["run"]

    assert ours.memory_bytes == pytest.approx(theirs.memory_bytes, rel=0.1)
    assert theirs.cpu_percent is not None


def test_our_own_memory() -> None:
    assert (resident_bytes(os.getpid()) or 0) > 1_000_000
