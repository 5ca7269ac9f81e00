"""What is asked of the ports of a process that runs already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocol import Difference
from ..model import Run
from .filling import filled
from .wishes import differ, name_of, words

if TYPE_CHECKING:
    from ..requests import Requested

__all__ = ["joined"]


def joined(asked: Requested, run: Run) -> tuple[Requested, list[Difference]]:
    """What was asked with the run's own ports in it, so that it can be compared; and how the ports differ."""
    wishes = asked.params.get("ports")
    if wishes is None:
        return asked, []
    running = run.settings.ports
    found: list[Difference] = []
    own = dict(run.settings.assigned_ports)
    if differ(wishes, running):
        found.append({"what": "ports", "asked": words(wishes), "running": words(running)})
        if not {name_of(wish) for wish in wishes} <= own.keys():
            return asked, found
    # Also where the numbers differ: else the command and the variables would be told as differences once more.
    others = asked.of_project.ports if asked.of_project is not None else {}
    return filled(asked, own, others), found
