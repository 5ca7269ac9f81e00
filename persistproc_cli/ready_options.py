"""The options of ``run`` and ``start`` that say when a process is ready."""

from __future__ import annotations

from .arguments import Arguments, Option, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.protocol import ReadyWhen, StartProcessParams

__all__ = ["READY_OPTIONS", "take_ready"]

READY_OPTIONS = (
    Option("--ready-port", value="PORT", help="it is ready when it listens there (a number, or a name of --port)"),
    Option("--ready-output", value="REGEX", help="it is ready when a line of its output matches"),
    Option("--ready-url", value="URL", help="it is ready when this http(s) URL answers with a status below 400"),
    Option("--ready-command", value="COMMAND", help="it is ready when this command exits with code 0"),
)


def take_ready(params: StartProcessParams, arguments: Arguments) -> None:
    """Add what was given. Raises `UsageError`."""
    given = [option.names[0] for option in READY_OPTIONS if arguments.flag(option.names[0])]
    if len(given) > 1:
        raise UsageError(f"a process is ready by one thing: give one of {' and '.join(given)}")
    for name in given:
        text = arguments.text(name) or ""
        if not text:
            raise UsageError(f"{name} needs a value that is not empty")
        params["ready"] = _ready(name, text)


def _ready(name: str, text: str) -> ReadyWhen:
    if name == "--ready-port":
        # A number too long for a port stays a text, and the daemon says that there is no such port.
        return {"port": int(text) if text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536 else text}
    if name == "--ready-output":
        return {"output": text}
    return {"url": text} if name == "--ready-url" else {"command": text}
