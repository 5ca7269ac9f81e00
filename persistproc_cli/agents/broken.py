"""What is wrong with a configuration file that we shall edit."""

from __future__ import annotations

__all__ = ["BrokenDocument"]


class BrokenDocument(Exception):
    """The text cannot be read, or does not hold what it must; ``line`` counts from 1, 0 when it cannot be told."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
