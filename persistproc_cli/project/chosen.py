"""Which processes of a project's file names and tags are about."""

from __future__ import annotations

from ..words import LIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from persistproc_core.protocol import ProjectProcess, ProjectReply

__all__ = ["chosen"]


def chosen(project: ProjectReply, words: Collection[str]) -> list[ProjectProcess]:
    """What ``up`` with these names and tags is about, with all that it needs; for the view alone.

    A word is a name; where there is none of it, it is a tag. Without any: all but the optional ones that do not run.
    """
    known = {process["name"]: process for process in project["processes"]}
    tags = {word for word in words if word not in known}
    wanted = [
        process
        for process in known.values()
        if process["name"] in words or not tags.isdisjoint(process["tags"]) or (not words and _is_usual(process))
    ]
    taken = {process["name"] for process in wanted}
    while wanted:
        for name in wanted.pop()["needs"]:
            if name in known and name not in taken:
                taken.add(name)
                wanted.append(known[name])
    return [process for name, process in known.items() if name in taken]


def _is_usual(process: ProjectProcess) -> bool:
    info = process["process"]
    return not process["optional"] or (info is not None and info["state"] in LIVE)
