"""What stands for a port in a text: ``{port}``, ``{ports.NAME}``, ``{ports.PROCESS.NAME}``.

``{port}`` is the process's own first port. ``{ports.X}`` is its own port X, else the first port of the process X.
Everything else in braces is left as it is, and so are ``${port}``, which is the shell's, and ``{{port}}``.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["UnknownPlaceholder", "fill"]

_PLACEHOLDER = re.compile(r"(?<![${])\{(port|ports\.[^{}\s]+)\}")


class UnknownPlaceholder(LookupError):
    """No such port. ``placeholder`` is what stands there: ``{ports.api}``."""

    def __init__(self, placeholder: str, text: str, hint: str) -> None:
        super().__init__(f"{placeholder}: {text}")
        self.placeholder = placeholder
        self.text = text
        self.hint = hint


def fill(text: str, own: Mapping[str, int], others: Mapping[str, Mapping[str, int]]) -> str:
    """The text with the ports in it.

    ``own`` are the ports of the process by their names, the first one first; ``others`` those of all processes of its
    project. Raises `UnknownPlaceholder` for the first one that stands for no port.
    """
    return _PLACEHOLDER.sub(lambda match: str(_port(match[1], own, others)), text)


def _port(words: str, own: Mapping[str, int], others: Mapping[str, Mapping[str, int]]) -> int:
    if words == "port":
        if own:
            return next(iter(own.values()))
        raise UnknownPlaceholder("{port}", "the process declares no port", 'give it one: port = "auto"')
    wanted = words.removeprefix("ports.")
    if wanted in own:
        return own[wanted]
    if others.get(wanted):
        return next(iter(others[wanted].values()))
    process, _, name = wanted.rpartition(".")
    ports = others.get(process, {})
    if name in ports:
        return ports[name]
    raise _unknown(wanted, own, others)


def _unknown(wanted: str, own: Mapping[str, int], others: Mapping[str, Mapping[str, int]]) -> UnknownPlaceholder:
    import difflib

    known = [*own, *(name for name, ports in others.items() if ports)]
    known += [f"{name}.{port}" for name, ports in others.items() for port in ports]
    near = difflib.get_close_matches(wanted[:100], known, 1)
    text = "the process declares no port" if wanted in others else "there is no such port"
    return UnknownPlaceholder("{ports." + wanted + "}", text, f"did you mean {{ports.{near[0]}}}?" if near else "")
