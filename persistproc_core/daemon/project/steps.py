"""One process on its way up: how far it is, for those that need it, and what becomes of it."""

from __future__ import annotations

from collections.abc import Collection

import anyio

from ...errors import PersistprocError
from ...project_file.model import Entry
from ...protocol import DependencyCondition, ProcessResult, Readiness
from ..model import Run

__all__ = ["Milestone", "Step", "result"]


class Milestone:
    """Something that is reached, or will not be."""

    def __init__(self) -> None:
        self.known = anyio.Event()
        self.reached = False

    def reach(self) -> None:
        """It is so."""
        if not self.known.is_set():
            self.reached = True
            self.known.set()

    def miss(self) -> None:
        """It will not be so, unless it was reached."""
        self.known.set()


class Step:
    """A process of the file that is to be up."""

    def __init__(self, entry: Entry, expected: Collection[DependencyCondition]) -> None:
        """``expected``: how far those that need it wait for it to be."""
        self.entry = entry
        self.expected = expected
        self.milestones: dict[DependencyCondition, Milestone] = {
            "started": Milestone(),
            "ready": Milestone(),
            "completed": Milestone(),
        }
        self.began: float | None = None
        """When its own turn came, on the clock of the event loop."""
        self.result: ProcessResult | None = None
        self.is_late = False
        """Nothing is wrong with it but that it took too long."""

    def reach(self, *conditions: DependencyCondition) -> None:
        """It is so far."""
        for condition in conditions:
            self.milestones[condition].reach()

    def close(self) -> None:
        """It will get no farther."""
        for milestone in self.milestones.values():
            milestone.miss()

    def finish(self, found: ProcessResult) -> None:
        """What became of it."""
        found["elapsed_seconds"] = self.elapsed
        self.result = found

    @property
    def elapsed(self) -> float:
        """How long it has taken so far (s)."""
        return 0.0 if self.began is None else round(anyio.current_time() - self.began, 3)

    # --- what became of it --------------------------------------------------------------------------------------------

    def not_started(self, missing: list[str], reason: str) -> None:
        """What it needs did not come, or the time was up, or it was stopped meanwhile."""
        self.finish({**result(self.entry.name), "outcome": "not_started", "reason": reason, "waited_for": missing})

    def failed(self, error: PersistprocError) -> None:
        """It could not be started."""
        lines = error.data.get("last_lines")
        self._fail(error.message, error.hint or None, [str(line) for line in lines] if isinstance(lines, list) else [])

    def not_ready(self, readiness: Readiness, run: Run) -> None:
        """It was started, and did not become ready."""
        self.is_late = readiness["outcome"] == "timed_out"
        reason = readiness["words"] or run.reason or "it did not become ready"
        self._fail(reason, readiness["hint"], readiness["error_lines"])

    def _fail(self, reason: str, hint: str | None, lines: list[str]) -> None:
        found: ProcessResult = {**result(self.entry.name), "ready": False, "outcome": "failed"}
        found["reason"], found["hint"], found["last_lines"] = reason, hint, lines
        self.finish(found)


def result(name: str) -> ProcessResult:
    """What is true of a process to which nothing was done."""
    return {
        "name": name,
        "outcome": "unchanged",
        "ready": None,
        "reason": None,
        "hint": None,
        "waited_for": [],
        "elapsed_seconds": 0.0,
        "last_lines": [],
        "process": None,
    }
