"""Runs a target for so many cases or seconds, and keeps what broke a promise."""

from __future__ import annotations

import hashlib
import random
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.shrink import shrunk
from tests.fuzz.target import Target

__all__ = ["Budget", "Figures", "run", "saved"]

_MOST_SAVED = 10


@dataclass(frozen=True)
class Budget:
    """When to stop: what comes first."""

    cases: int
    seconds: float = float("inf")


@dataclass
class Figures:
    """What came of it; ``findings`` is empty when all promises were kept."""

    name: str
    cases: int = 0
    violations: int = 0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "  ".join(
            [f"{self.name:8}", f"{self.cases:>9,}", f"{self.violations}", f"{self.seconds:.1f}", *self.facts]
        )


def run(target: Target, seed: int, budget: Budget) -> Figures:
    """All of the corpus, the seeds, then cases by chance. The same seed makes the same cases."""
    figures = Figures(target.name)
    chance = random.Random(f"{target.name} {seed}")
    begun = time.monotonic()
    target.__enter__()
    try:
        _all(target, chance, seed, budget, figures)
    finally:
        try:
            target.__exit__()
        except Exception as error:  # noqa: BLE001, RUF100 - one more finding, that must hide none of the others
            _find(figures, f"{target.name} cannot be ended, seed {seed}: {_said(error)}")
    figures.seconds = time.monotonic() - begun
    return figures


def _all(target: Target, chance: random.Random, seed: int, budget: Budget, figures: Figures) -> None:
    begun = time.monotonic()
    seeds = target.seeds()
    # Of a golden file there is a seed for each of its bytes; a short form takes some of them.
    for case in target.corpus() + (seeds if len(seeds) < budget.cases else chance.sample(seeds, budget.cases // 2)):
        if len(figures.findings) < _MOST_SAVED:
            _try(target, case, figures, seed)
    while figures.cases < budget.cases and time.monotonic() - begun < budget.seconds:
        if len(figures.findings) >= _MOST_SAVED:
            break  # more of the same: what was found is to be mended first
        _try(target, target.make(chance), figures, seed)
    try:
        figures.facts = target.facts()
    except Exception as error:  # noqa: BLE001, RUF100 - whatever it is, it is a finding
        _find(figures, f"{target.name} at the end, seed {seed}: {_said(error)}")


def _try(target: Target, case: bytes, figures: Figures, seed: int) -> None:
    begun = time.monotonic()
    try:
        figures.cases += target.check(case)
        took = time.monotonic() - begun
        assert took < target.most_seconds, f"it took {took:.1f} s"
    except Exception as error:  # noqa: BLE001, RUF100 - whatever it is, it is a finding
        figures.cases += 1
        kind = _kind(error)
        shorter = shrunk(case, lambda each: _breaks(target, each, kind), target.shrink_seconds)
        path = saved(target.name, shorter)
        _find(figures, f"{target.name} case {figures.cases}, seed {seed}, saved as {path}: {_said(error)}")


def _breaks(target: Target, case: bytes, kind: tuple[type[BaseException], int]) -> bool:
    try:
        target.check(case)
    except Exception as error:  # noqa: BLE001, RUF100 - only of the same kind is it the same finding
        return _kind(error) == kind
    return False


def _kind(error: BaseException) -> tuple[type[BaseException], int]:
    """The error's class, and the line that raised it."""
    return type(error), traceback.extract_tb(error.__traceback__)[-1].lineno or 0


def _find(figures: Figures, text: str) -> None:
    figures.violations += 1
    figures.findings.append(text)


def _said(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {str(error)[:2000]} ({Path(where.filename).name}:{where.lineno})"


def saved(name: str, case: bytes) -> Path:
    """Keep a case. ``--case FILE`` repeats it and tells the line for the corpus, where it goes once it is mended."""
    folder = Path(tempfile.gettempdir(), "persistproc-fuzz")
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{name}-{hashlib.sha256(case).hexdigest()[:12]}"
    path.write_bytes(case)
    return path
