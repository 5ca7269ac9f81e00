"""What can be fuzzed: cases are bytes, so that each can be saved, repeated and given to any driver."""

from __future__ import annotations

import abc
import functools
import os
import random
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

from tests.fuzz.mutate import Mutator

__all__ = ["CORPUS", "DiskTarget", "LiveTarget", "Target", "corpus_line"]

CORPUS = Path(__file__).parent / "corpus"
"""``golden.jsonl``, the wire as it is, and for each target ``NAME.txt``: what was once a defect. It is tried first.

One case a line, with the escapes of a Python literal; a line that begins with ``# `` tells what was wrong.
"""


class Target(abc.ABC):
    """One thing that is fuzzed. Use it in a ``with`` block; targets that need a live program start it there."""

    name: ClassVar[str]
    cases: ClassVar[int]
    """How many are tried unless said otherwise."""
    most_seconds: ClassVar[float] = 2.0
    """What one case may take; longer is a hang. A parser stops the daemon's event loop for so long."""
    shrink_seconds: ClassVar[float] = 10.0
    """How long a case that breaks a promise is made shorter; 0: it is left as it is."""

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_: object) -> None:
        return

    @abc.abstractmethod
    def seeds(self) -> list[bytes]:
        """Good cases to begin with, beside those of the corpus."""

    @abc.abstractmethod
    def check(self, case: bytes) -> int:
        """Try one case; the number of cases that it stands for. Raises anything when a promise is broken."""

    def repeat(self, case: bytes) -> None:
        """Try a saved case again, with all that takes longer and tells more."""
        self.check(case)

    def make(self, chance: random.Random) -> bytes:
        """A new case: a mutated one of the corpus."""
        return self._mutator.mutated(chance)

    def facts(self) -> list[str]:
        """What else was measured, once all cases were tried."""
        return []

    def corpus(self) -> list[bytes]:
        """The saved cases."""
        path = CORPUS / f"{self.name}.txt"
        lines = path.read_text("ascii").splitlines() if path.exists() else []
        return [line.encode("ascii").decode("unicode_escape").encode("latin-1") for line in lines if line[:2] != "# "]

    @functools.cached_property
    def _mutator(self) -> Mutator:
        return Mutator([*self.seeds(), *self.corpus()])


class LiveTarget(Target):
    """One that has something alive as long as the block lasts."""

    _stack: ExitStack

    def __enter__(self) -> Target:
        with ExitStack() as stack:
            self._begin(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @abc.abstractmethod
    def _begin(self, stack: ExitStack) -> None:
        """Bring it to life; what has to be ended goes onto the stack."""

    def seeds(self) -> list[bytes]:
        return []


class DiskTarget(Target):
    """One with a folder, in memory where there is one: a hundred thousand files are written."""

    def __enter__(self) -> Target:
        memory = "/dev/shm"
        self.directory = Path(tempfile.mkdtemp(prefix="pp-fuzz-", dir=memory if os.access(memory, os.W_OK) else None))
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.directory)


def corpus_line(case: bytes) -> str:
    """The case as a line for the corpus."""
    return case.decode("latin-1").encode("unicode_escape").decode("ascii")
