"""The line of figures that a suite prints."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Figures"]


@dataclass
class Figures:
    """How often a suite tried (``n``) and how often each promise was broken; all but n must be 0."""

    name: str
    promises: tuple[str, ...]
    """What is counted, in words that say what is wrong: lost, duplicate."""
    n: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)
    """What is told beside, and is no failure."""
    findings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    begun: float = field(default_factory=time.monotonic)

    def find(self, what: str, text: str, count: int = 1) -> None:
        """A promise was broken; what is known of it goes to standard error at once."""
        assert what in self.promises, what
        if count > 0:
            self.broken[what] = self.broken.get(what, 0) + count
            self.findings.append(f"{self.name} {self.n}: {what}: {text}")
            sys.stderr.write(self.findings[-1] + "\n")
            sys.stderr.flush()

    def note(self, what: str, count: int = 1) -> None:
        """Count something that is no failure."""
        self.noted[what] = self.noted.get(what, 0) + count

    def finish(self) -> Figures:
        """The suite is at its end."""
        self.seconds = time.monotonic() - self.begun
        return self

    @property
    def clean(self) -> bool:
        """True when nothing was broken."""
        return not self.findings

    @classmethod
    def sum(cls, parts: Iterable[Figures]) -> Figures:
        """Several parts of one suite as one."""
        first, *rest = parts
        for part in rest:
            first.n += part.n
            first.findings += part.findings
            first.begun = min(first.begun, part.begun)
            for total, more in ((first.broken, part.broken), (first.noted, part.noted)):
                for what, count in more.items():
                    total[what] = total.get(what, 0) + count
        return first.finish()

    def __str__(self) -> str:
        words = [f"{what} {self.broken.get(what, 0)}" for what in self.promises]
        words += [f"({what} {count})" for what, count in sorted(self.noted.items())]
        return f"{self.name}  {self.n}  {'  '.join(words)}  failures {len(self.findings)}  {self.seconds:.1f} s"
