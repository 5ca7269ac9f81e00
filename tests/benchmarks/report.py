"""Figures as text for a terminal and as a table for the documentation."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from tests.benchmarks.figures import Figure

__all__ = ["as_row", "as_text", "machine", "markdown_head"]


def as_text(figure: Figure) -> str:
    """One line; a figure above its aim is marked."""
    aim = "" if figure.aim is None else f"  (aim {_amount(figure.aim, figure.unit)})"
    mark = "  ABOVE" if figure.missed else ""
    detail = f"  {figure.detail}" if figure.detail else ""
    return f"  {figure.what:44} {_amount(figure.value, figure.unit):>12}{aim}{mark}{detail}"


def markdown_head() -> str:
    """The head of the table."""
    return "| what | aim | measured | |\n|---|---|---|---|"


def as_row(figure: Figure) -> str:
    """One row of the table."""
    aim = "" if figure.aim is None else _amount(figure.aim, figure.unit)
    measured = _amount(figure.value, figure.unit)
    return f"| {figure.what} | {aim} | {f'**{measured}**' if figure.missed else measured} | {figure.detail} |"


def _amount(value: float, unit: str) -> str:
    digits = 0 if float(value).is_integer() or value >= 1000 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def machine(directory: str) -> str:
    """What the figures were measured on, in one line."""
    load = os.getloadavg()[0]
    system = f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {system}, home on {_file_system(directory)}, load {load:.1f} at the start"


def _file_system(directory: str) -> str:
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text("utf-8", "replace").splitlines()]
    except OSError:
        return "an unknown file system"
    fitting = [mount for mount in mounts if os.path.commonpath([mount[1], directory]) == mount[1]]
    return max(fitting, key=lambda mount: len(mount[1]))[2]
