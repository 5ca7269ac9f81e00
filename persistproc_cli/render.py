"""Tables and the words in them: aligned by a few lines of our own, because drawing with a library would cost
ten times what the whole of ``persistproc list`` may cost.

All text that comes from others passes `one_line` here.
"""

from __future__ import annotations

import sys

from .oneline import one_line, short_directory
from .restarts import is_given_up, restarting_words
from .terminal import colours, is_terminal, paint, text_width, width
from .times import duration, seconds_since

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from persistproc_core.protocol import ProcessInfo, RunInfo

__all__ = [
    "age",
    "make_room",
    "memory",
    "ports",
    "ports_in_full",
    "process_table",
    "state_colour",
    "state_words",
    "table",
    "url",
    "waits_for_input",
]

_COLOURS = {
    "running": "green",
    "starting": "yellow",
    "stopping": "yellow",
    "restarting": "yellow",
    "failed": "red",
    "lost": "red",
}
_COLUMN_GAP = "  "
_LEAST_FOR_COMMAND = 20


def state_words(info: ProcessInfo | RunInfo, survivors: int = 0) -> str:
    """The state at a glance: ``running``, ``waiting for input``, ``stopped``, ``exited 0``, ``failed 3``,
    ``killed SIGKILL``, ``lost``, ``restarting in 4s (2/5)``, ``failed 3, given up``."""
    words: str = info["state"]
    if words == "restarting" and "restart_at" in info:
        words = restarting_words(info)
    elif words == "running" and waits_for_input(info):
        words = "waiting for input"
    elif words == "running" and info.get("ready") is not None:
        words = _ready_words(info)
    elif words == "failed" and info["signal"]:
        words = f"killed {info['signal']}"
    elif words in ("exited", "failed") and info["exit_code"] is not None:
        words = f"{words} {info['exit_code']}"
    if is_given_up(info):
        words += ", given up"
    return f"{words}, {survivors} left" if survivors else words


def _ready_words(info: ProcessInfo | RunInfo) -> str:
    if info.get("ready"):
        return "running, ready"
    return "running, not ready" + ("" if info.get("ready_at") else " yet")


def state_colour(info: ProcessInfo | RunInfo, survivors: int = 0) -> str:
    """The colour of a state."""
    if survivors or waits_for_input(info) or (info["state"] == "running" and info.get("ready") is False):
        return "yellow"
    return _COLOURS.get(info["state"], "dim")


def waits_for_input(info: ProcessInfo | RunInfo) -> bool:
    """True when it is blocked until somebody answers."""
    return info.get("waiting_for_input") is not None


def ports(info: ProcessInfo) -> str:
    """``:3000,:5173``, each once."""
    return ",".join(dict.fromkeys(f":{listener['port']}" for listener in info["ports"]))


def ports_in_full(info: ProcessInfo) -> str:
    """``127.0.0.1:3000 (web), 9229 (debug, nobody listens)``: with the names of those that it was to have."""
    names = {port: name for name, port in info.get("assigned_ports", {}).items()}
    shown = []
    for listener in info["ports"]:
        name = names.get(listener["port"])
        shown.append(f"{listener['address']}:{listener['port']}" + (f" ({name})" if name else ""))
    heard = {listener["port"] for listener in info["ports"]}
    missing = [] if info["ended_at"] else [port for port in names if port not in heard]
    return ", ".join([*shown, *(f"{port} ({names[port]}, nobody listens)" for port in missing)])


def url(info: ProcessInfo) -> str:
    """Where a browser finds it; without the query, which may hold a token and is long."""
    return (info.get("url") or "").partition("?")[0]


def age(info: ProcessInfo | RunInfo) -> str:
    """How long it runs, or how long ago it ended."""
    if info["ended_at"]:
        return f"{duration(seconds_since(info['ended_at']))} ago"
    return duration(seconds_since(info["started_at"]))


def memory(count: int | None) -> str:
    """``45M``."""
    if count is None:
        return "-"
    size = float(count)
    for unit in ("B", "K", "M", "G"):
        if size < 1024 or unit == "G":
            return f"{size:.1f}{unit}" if unit == "G" else f"{size:.0f}{unit}"
        size /= 1024
    return "-"


def process_table(processes: Sequence[ProcessInfo], *, all_projects: bool) -> str:
    """The table of ``list``: on a terminal in colour and cut to its width, else plain and whole."""
    show_directory = all_projects or any(p["working_directory"] != p["project_directory"] for p in processes)
    show_url = any(url(info) for info in processes)
    titles = ["STATE", "NAME", *(["PROJECT"] if all_projects else []), "PID", "PORTS"]
    titles += [*(["URL"] if show_url else []), "AGE", "CPU", "MEMORY"]
    titles += [*(["DIRECTORY"] if show_directory else []), "COMMAND"]
    rows: list[list[str]] = []
    for info in processes:
        row = [state_words(info, len(info["survivors"])), one_line(info["name"])]
        if all_projects:
            row.append(one_line(info["project"]))
        cpu = info["cpu_percent"]
        # The pid of one that has ended may be that of a stranger by now.
        pid = None if info["ended_at"] else info["pid"]
        row += [str(pid or "-"), ports(info) or "-", *([one_line(url(info)) or "-"] if show_url else []), age(info)]
        row += ["-" if cpu is None else f"{cpu:.1f}%", memory(info["memory_bytes"])]
        if show_directory:
            row.append(one_line(_directory(info, all_projects)))
        rows.append([*row, one_line(info["command"])])
    if is_terminal(sys.stdout):
        dropped = ("MEMORY", "CPU", *(["URL"] if show_url else []), "AGE")
        make_room(titles, rows, dropped, _LEAST_FOR_COMMAND)
    paints = [state_colour(info, len(info["survivors"])) for info in processes] if colours(sys.stdout) else []
    return table(titles, rows, first_column=paints)


def make_room(titles: list[str], rows: list[list[str]], dropped: tuple[str, ...], least: int) -> None:
    """In a narrow terminal leave out what is missed least, until the rest has its room.

    The last column can be cut down to ``least``, and may itself be left out.
    """
    last = titles[-1]
    for title in dropped:
        sizes = [max(map(text_width, cells)) for cells in zip(titles, *rows, strict=True)]
        if titles[-1] == last:
            sizes[-1] = least
        if sum(sizes) + len(_COLUMN_GAP) * (len(sizes) - 1) <= width():
            return
        column = titles.index(title)
        for row in (titles, *rows):
            del row[column]


def _directory(info: ProcessInfo, all_projects: bool) -> str:
    directory, project = info["working_directory"], info["project_directory"]
    if all_projects:
        return short_directory(directory)
    if directory == project:
        return "."
    return f".{directory[len(project) :]}" if directory.startswith(project + "/") else short_directory(directory)


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, first_column: Sequence[str] = ()) -> str:
    """Aligned columns. On a terminal lines are cut to its width; ``first_column`` are the colours of that one."""
    terminal = is_terminal(sys.stdout)
    widths = [max(map(text_width, column)) for column in zip(titles, *rows, strict=True)]
    widths[-1] = 0
    limit = width() if terminal else 0
    lines: list[str] = []
    for number, row in enumerate([titles, *rows]):
        cells = [cell + " " * (size - text_width(cell)) for cell, size in zip(row, widths, strict=True)]
        line = _cut(_COLUMN_GAP.join(cells).rstrip(), limit)
        if first_column:
            size = min(widths[0], len(line))
            line = paint(line, "dim") if number == 0 else paint(line[:size], first_column[number - 1]) + line[size:]
        lines.append(line)
    return "\n".join(lines)


def _cut(line: str, limit: int) -> str:
    if not limit or text_width(line) <= limit:
        return line
    end = "…" if "utf" in (sys.stdout.encoding or "").lower() else ">"
    while text_width(line) >= limit:
        line = line[:-1] if line.isascii() is False else line[: limit - 1]
    return line + end
