"""Whether what a project's file says may run: shown to a person, and asked, the first time and after each change.

The file came with a repository, and bringing it up runs what it says, with all that the person may do.
"""

from __future__ import annotations

import sys

from persistproc_core.errors import ProjectNotApproved
from persistproc_core.placeholders import UnknownPlaceholder, fill

from ..confirming import confirmed
from ..oneline import one_line, short_directory
from ..terminal import can_ask
from .reading import file_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from persistproc_core.project_file.model import Entry
    from persistproc_core.protocol import ProjectProcess, ProjectReply

__all__ = ["allowed", "standing"]


def allowed(project: ProjectReply, *, yes: bool) -> bool:
    """Whether what the file says now may run; a person is asked unless that is settled already.

    Raises `ProjectNotApproved` where nobody is there to ask.
    """
    if project["approved"] or yes:
        return True
    if not can_ask():
        file = one_line(short_directory(project["file"]))
        raise ProjectNotApproved(
            f"{file} {standing(project)}, and nobody is there to ask; nothing was done",
            hint="a person runs, in a terminal: persistproc up; or passes --yes, having read the file",
            data={"digest": project["digest"], "file": project["file"]},
        )
    # Where the question is, and not in the document or the file that standard output may be.
    sys.stderr.write("\n".join(_shown(project)) + "\n")
    return confirmed("let it run, and bring it up?")


def standing(project: ProjectReply) -> str:
    """How a file that is not allowed stands."""
    return "has changed since it was allowed to run" if project["approved_before"] else "was never allowed to run here"


def _shown(project: ProjectReply) -> list[str]:
    file = one_line(short_directory(project["file"]))
    lines = [f"persistproc: {file} {standing(project)}. It says to run:"]
    entries = _entries(project)
    # What was seen and allowed already comes after what was not, and only by its name.
    for process in project["processes"]:
        if process["approval"] != "approved":
            lines += ["", *_process(project, process, entries.get(process["name"]))]
    unchanged = [one_line(process["name"]) for process in project["processes"] if process["approval"] == "approved"]
    if unchanged:
        lines += ["", f"  unchanged: {', '.join(unchanged)}"]
    if not entries:
        # Commands are not all of it: a variable (LD_PRELOAD, NODE_OPTIONS) may run something as well.
        lines += ["", f"  The variables and checks of {file} could not be shown: read it before you allow it."]
    return [*lines, ""]


def _entries(project: ProjectReply) -> dict[str, Entry]:
    """What the file says besides the commands, if it still is what the daemon has read."""
    file = file_in(project["project_directory"])
    return dict(file.processes) if file is not None and file.digest == project["digest"] else {}


def _process(project: ProjectReply, process: ProjectProcess, entry: Entry | None) -> list[str]:
    # Whole and never cut: what is not shown was not allowed.
    mark = f" ({process['approval']})" if project["approved_before"] else ""
    lines = [f"  {one_line(process['name'])}{mark}: {one_line(process['command'])}"]
    if process["working_directory"] != project["project_directory"]:
        lines.append(f"    in {one_line(short_directory(process['working_directory']))}")
    if entry is not None:
        ports = {each["name"]: each["ports"] for each in project["processes"]}
        lines += [f"    {one_line(_filled(more, process['name'], ports))}" for more in _more(entry)]
    return lines


def _filled(text: str, name: str, ports: Mapping[str, Mapping[str, int]]) -> str:
    """With the ports in it, as the commands have them."""
    try:
        return fill(text, ports[name], ports)
    except UnknownPlaceholder:  # not meant for one: the path of a file of variables
        return text


def _more(entry: Entry) -> list[str]:
    more = [f"with {name}={value}" for name, value in entry.environment.items()]
    more += [f"with the variables of {short_directory(file.path)}" for file in entry.env_files]
    ready, liveness = entry.definition.get("ready", {}), entry.definition.get("liveness", {})
    for purpose, command in (("ready", ready.get("command")), ("well", liveness.get("command"))):
        if command is not None:
            more.append(f"and, to know whether it is {purpose}: {_text(command)}")
    if entry.definition.get("shell"):
        more.append("in your login shell")
    return more


def _text(command: str | list[str]) -> str:
    if isinstance(command, str):
        return command
    import shlex

    return shlex.join(command)
