"""What is asked of the ports of a process that runs already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocol import Difference
from ..model import Run
from .filling import filled
from .wishes import differ, words

if TYPE_CHECKING:
    from ..requests import Requested

__all__ = ["joined"]


def joined(asked: Requested, run: Run) -> tuple[Requested, list[Difference]]:
    """What was asked with the run's own ports in it, so that it can be compared; and how the ports differ."""
    wishes = asked.params.get("ports")
    if wishes is None:
        return asked, []
    running = run.settings.ports
    if differ(wishes, running):
        return asked, [{"what": "ports", "asked": words(wishes), "running": words(running)}]
    others = asked.of_project.ports if asked.of_project is not None else {}
    return filled(asked, dict(run.settings.assigned_ports), others), []
