"""``python -m tests.load.soak [--minutes N]``: half an hour of everything at once; what grows is told.

Five processes write 10 MB a second in all, with retention; each minute one is restarted; three clients follow; others
call over MCP and HTTP; in the first half of the time the daemon is replaced in place every five minutes (the second
half is one daemon's, so that what grows in it can be seen). At the end a table: memory, descriptors, threads, zombies
and wake-ups of daemon, keeper, holder and bridge. The exit code is 1 when something grew, was lost, or failed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable

import psutil

from tests.benchmarks.facts import activity, threads, twins
from tests.kit import Guard, eventually, wait_gone
from tests.kit.alone import end_unwinding, forget_hubs
from tests.kit.bridge import Bridge
from tests.kit.guard import TEST_VARIABLE
from tests.load.samples import HEAD, Series, sample
from tests.load.workload import Pace, Workload

__all__ = ["Soak"]

_SETTLED_WITHIN = 90.0


class Soak:
    """One bridge with its daemon. ``sample_seconds`` and ``replace_seconds``: between two of them."""

    def __init__(
        self, bridge: Bridge, directory: str, pace: Pace, *, sample_seconds: float, replace_seconds: float
    ) -> None:
        self.findings: list[str] = []
        self._bridge, self._directory, self._pace = bridge, directory, pace
        self._sample_seconds, self._replace_seconds = sample_seconds, replace_seconds
        self._series: dict[str, Series] = {}
        self._replaced = 0

    def run(self, seconds: float, *, idle_seconds: float, tell: Callable[[str], None] = lambda _: None) -> list[str]:
        """All of it; the lines of the table. ``idle_seconds``: for how long nothing may happen at the end."""
        begun = time.monotonic()
        pause = threading.Event()
        workload = Workload(self._bridge, self._directory, self._pace)
        try:
            replaced_at = begun
            while (now := time.monotonic()) - begun < seconds:
                if now - replaced_at >= self._replace_seconds and (now - begun < seconds / 2 or not self._replaced):
                    replaced_at = now
                    self._replace(tell)
                self._look()
                workload.check()
                pause.wait(min(self._sample_seconds, max(0.0, begun + seconds - time.monotonic())))
        finally:
            workload.close()
            workload.end()
        lines = [HEAD, *(line for series in self._series.values() for line in series.lines(seconds / 10))]
        done = ", ".join(f"{count} {what}" for what, count in workload.counts.items())
        lines.append(f"{seconds / 60:.1f} minutes: {done}, {self._replaced} times replaced")
        self.findings += [finding for series in self._series.values() for finding in series.findings]
        self.findings += workload.findings
        if idle_seconds:
            lines.append(self._idle(idle_seconds))
        return lines

    def _parts(self) -> dict[str, int]:
        with self._bridge.client(self._directory) as client:
            status = client.get_daemon_status()
        keeper = status["keeper_pid"]
        found = {"daemon": status["pid"], "bridge": self._bridge.pid}
        if keeper is not None:
            found.update({"keeper": keeper, **dict(zip(["holder"], twins(keeper), strict=False))})
        return found

    def _look(self) -> None:
        for part, pid in self._parts().items():
            try:
                self._series.setdefault(part, Series(part)).samples.append(sample(pid))
            except psutil.NoSuchProcess:
                self.findings.append(f"{part}, pid {pid}, is gone")

    def _replace(self, tell: Callable[[str], None]) -> None:
        with self._bridge.client(self._directory) as client:
            reply = client.replace_daemon()
        wait_gone(reply["previous_pid"], 30)
        self._replaced += 1
        tell(f"replaced the daemon: {reply['previous_pid']} -> {reply['pid']}")

    def _idle(self, seconds: float) -> str:
        """Nothing runs and nobody asks: no part wakes up."""
        pids = {part: pid for part, pid in self._parts().items() if part in ("daemon", "keeper")}
        eventually(lambda: threads(pids["daemon"]) == 1, _SETTLED_WITHIN, "the daemon has one thread")
        eventually(lambda: self._quiet(pids), _SETTLED_WITHIN, "nothing is left to be done")
        before = {part: activity(pid).switches for part, pid in pids.items() if psutil.pid_exists(pid)}
        threading.Event().wait(seconds)
        woken = {
            part: activity(pids[part]).switches - count
            for part, count in before.items()
            if psutil.pid_exists(pids[part])
        }
        self.findings += [f"idle {part}: {count} wake-ups in {seconds:g} s" for part, count in woken.items() if count]
        return f"idle for {seconds:g} s afterwards: " + ", ".join(f"{part} {n} wake-ups" for part, n in woken.items())

    def _quiet(self, pids: dict[str, int]) -> bool:
        before = [activity(pid).switches for pid in pids.values() if psutil.pid_exists(pid)]
        threading.Event().wait(1.5)
        return before == [activity(pid).switches for pid in pids.values() if psutil.pid_exists(pid)]


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.soak")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (default: 30)")
    parser.add_argument("--replace-minutes", type=float, default=5.0, help="between two replacements (default: 5)")
    parser.add_argument("--sample-seconds", type=float, default=10.0, help="between two looks (default: 10)")
    given = parser.parse_args()
    end_unwinding()
    forget_hubs()
    guard = Guard()
    directory = tempfile.mkdtemp(prefix="pp-soak-")
    bridge = Bridge(guard, guard.new_home(), {TEST_VARIABLE: guard.token})
    try:
        bridge.start()
        soak = Soak(
            bridge, directory, Pace(), sample_seconds=given.sample_seconds, replace_seconds=given.replace_minutes * 60
        )
        lines = soak.run(
            given.minutes * 60, idle_seconds=10, tell=lambda text: print(text, file=sys.stderr, flush=True)
        )
        bridge.tear_down()
    finally:
        guard.clean_up()
        shutil.rmtree(directory, ignore_errors=True)
    print(*lines, *(f"WRONG: {finding}" for finding in soak.findings), sep="\n")
    return 1 if soak.findings else 0


if __name__ == "__main__":
    sys.exit(main())
