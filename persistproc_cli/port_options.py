"""The option ``--port`` of ``run`` and ``start``, and ports as people write them."""

from __future__ import annotations

from .arguments import Arguments, Option, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import PortWish

__all__ = ["PORT_OPTION", "port_number", "port_wishes"]

PORT_OPTION = Option(
    "--port",
    value="PORT",
    repeated=True,
    help="the port it is to have, also in $PORT and as {port}: 3000, auto (a free one that stays), NAME=auto",
)
_HINT = "--port 3000, --port auto, --port auto:3000 (that one if it is free), --port web=auto --port debug=9229"


def port_wishes(arguments: Arguments) -> list[PortWish]:
    """What ``--port`` says, in its order. Raises `UsageError`."""
    return [_wish(text) for text in arguments.values("--port")]


def _wish(text: str) -> PortWish:
    name, equals, value = text.rpartition("=")
    if equals and not name:
        raise UsageError(f"--port {text}: the name is missing", hint=_HINT)
    wish: PortWish = {"name": name} if equals else {}
    auto, colon, preferred = value.partition(":")
    if auto == "auto":
        if colon:
            wish["prefer"] = _number(preferred, text)
        return wish
    wish["port"] = _number(value, text)
    return wish


def _number(digits: str, text: str) -> int:
    number = port_number(digits)
    if number is None:
        raise UsageError(f"--port needs a number from 1 to 65535, or auto, not {text!r}", hint=_HINT)
    return number


def port_number(digits: str) -> int | None:
    """The TCP port that is written so; None when there is no such port."""
    if digits.isascii() and digits.isdigit() and len(digits) < 6 and 0 < int(digits) < 65536:
        return int(digits)
    return None
