"""What a project is called."""

from __future__ import annotations

import os

__all__ = ["project_name"]


def project_name(root: str) -> str:
    """The short name of a project: the last part of its directory; ``/`` for the root directory."""
    return os.path.basename(root.rstrip("/")) or "/"
