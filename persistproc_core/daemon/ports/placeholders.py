"""What stands for a port in a text. The same for what a project's file says; see there for the grammar."""

from __future__ import annotations

from ...placeholders import UnknownPlaceholder, fill, has_placeholders

__all__ = ["UnknownPlaceholder", "fill", "has_placeholders"]
