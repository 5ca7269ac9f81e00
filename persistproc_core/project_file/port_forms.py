"""The ports of a process, in all forms that a file may write them: ``port = "auto"``, ``ports = { web = 3000 }``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ..port_names import is_port_name, is_variable, name_of, variable_of
from ..protocol import PortWish
from .declared import PortTable
from .places import Path
from .source import Source

__all__ = ["read_ports"]

_MOST_PORTS = 20


def read_ports(source: Source, table: Mapping[str, object], path: Path) -> list[PortWish]:
    """Those of ``port`` first, then those of ``ports``."""
    placed: list[tuple[Path, PortWish]] = []
    if "port" in table:
        place: Path = (*path, "port")
        placed.append((place, _wish(source, cast("int | str | PortWish", table["port"]), place)))
    for name, value in cast("dict[str, int | str | PortTable]", table.get("ports", {})).items():
        place = (*path, "ports", name)
        placed.append((place, {"name": name, **_wish(source, cast("int | str | PortWish", value), place)}))
    _check_names(source, placed)
    _check_unique(source, placed)
    if len(placed) > _MOST_PORTS:
        source.wrong((*path, "ports"), f"must have at most {_MOST_PORTS} ports")
    return [wish for _, wish in placed]


def _wish(source: Source, value: int | str | PortWish, path: Path) -> PortWish:
    if isinstance(value, str):
        return {}  # auto
    if isinstance(value, int):
        return {"port": value}
    if "port" in value and "prefer" in value:
        source.wrong(path, "has port and prefer", "port is always that one; prefer may become another one")
    if not is_variable(value.get("variable", "PORT")):
        source.wrong((*path, "variable"), "cannot be the name of a variable", "for example API_PORT")
    return value


def _check_names(source: Source, placed: list[tuple[Path, PortWish]]) -> None:
    names: set[str] = set()
    for place, wish in placed:
        name = name_of(wish)
        if not is_port_name(name):
            source.wrong(place, f"has {name[:60]}, which cannot be the name of a port", "use letters, digits, _ and -")
        if name in names:
            source.wrong(place, "is there twice", "the one of port is called port, unless it has a name")
        names.add(name)


def _check_unique(source: Source, placed: list[tuple[Path, PortWish]]) -> None:
    """No two are the same number, or told by the same variable."""
    numbers: set[int] = set()
    variables: set[str] = set()
    for index, (place, wish) in enumerate(placed):
        variable = variable_of(wish, index)
        if variable in variables:
            source.wrong(place, f"is told by {variable}, as another one is", "give it another variable")
        if wish.get("port") in numbers:
            source.wrong(place, "is the number of another one", "give it another port")
        variables.add(variable)
        numbers.update([wish["port"]] if "port" in wish else [])
