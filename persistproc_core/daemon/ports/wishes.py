"""The ports that a process is to have, as they are asked for: made whole, checked, and as variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...errors import InvalidParams
from ...port_names import DEFAULT_NAME, is_port_name, is_variable, name_of, variable_of
from ...protocol import PortWish

__all__ = ["DEFAULT_NAME", "checked", "differ", "is_auto", "name_of", "required", "variables", "words"]


def checked(wishes: Sequence[PortWish]) -> tuple[PortWish, ...]:
    """The wishes, each with its name. Raises `InvalidParams` for what cannot be."""
    found = tuple(_checked(wish) for wish in wishes)
    _check_unique("name", [name_of(wish) for wish in found])
    _check_unique("variable", [variable for variable, _ in _variables(found)])
    _check_unique("number", [str(wish["port"]) for wish in found if "port" in wish])
    return found


def _checked(wish: PortWish) -> PortWish:
    name = name_of(wish)
    if not is_port_name(name):
        raise InvalidParams(
            f"{name!r} cannot be the name of a port", hint="use letters, digits, _ and -, a letter first: web, debug"
        )
    if "port" in wish and "prefer" in wish:
        raise InvalidParams(f"port {name} has port and prefer", hint="port is exactly that one; prefer is a wish")
    variable = wish.get("variable")
    if variable is not None and not is_variable(variable):
        raise InvalidParams(f"{variable!r} cannot be the name of a variable", hint="for example PORT or API_PORT")
    named = wish.copy()
    named["name"] = name
    return named


def _check_unique(what: str, values: Sequence[str]) -> None:
    twice = next((value for index, value in enumerate(values) if value in values[:index]), None)
    if twice is not None:
        raise InvalidParams(f"two ports have the same {what}: {twice}", hint=f"give each one a {what} of its own")


def is_auto(wish: PortWish) -> bool:
    """True for a free port that stays the same, False for exactly one."""
    return "port" not in wish


def required(wishes: Iterable[PortWish], assigned: Mapping[str, int]) -> dict[str, int]:
    """Of its ports those that it cannot do without."""
    names = [name_of(wish) for wish in wishes if not wish.get("optional", False)]
    return {name: assigned[name] for name in names if name in assigned}


def variables(wishes: Iterable[PortWish], assigned: Mapping[str, int]) -> dict[str, str]:
    """What tells the process its ports."""
    return {variable: str(assigned[name]) for variable, name in _variables(wishes) if name in assigned}


def _variables(wishes: Iterable[PortWish]) -> list[tuple[str, str]]:
    """Each variable, and the name of its port."""
    return [(variable_of(wish, number), name_of(wish)) for number, wish in enumerate(wishes)]


def differ(asked: Sequence[PortWish], running: Sequence[PortWish]) -> bool:
    """Whether a run with the ones would have other ports than a run with the others."""
    return [_essence(wish) for wish in asked] != [_essence(wish) for wish in running]


def _essence(wish: PortWish) -> tuple[object, ...]:
    # What is preferred counts at the first time only.
    return name_of(wish), wish.get("port"), wish.get("variable")


def words(wishes: Sequence[PortWish]) -> str:
    """``web auto, debug 9229``; ``none``."""
    return ", ".join(f"{name_of(wish)} {wish.get('port', 'auto')}" for wish in wishes) or "none"
