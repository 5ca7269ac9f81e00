"""The text of a launchd agent: launchd.plist(5)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .program import Program

__all__ = ["home_of_plist", "is_ours", "plist_text", "program_of_plist"]

_MARKER = "<!-- Written by persistproc service install, which also replaces it. -->"
_HOME = "PersistprocHome"


def plist_text(label: str, program: Program, log: str) -> str:
    """The agent. Raises `Unwritable` for a path that XML cannot hold."""
    import plistlib

    from .systemd_unit import Unwritable

    document = {
        "Label": label,
        "ProgramArguments": list(program.argv),
        "EnvironmentVariables": program.variables,
        "WorkingDirectory": "/",
        "RunAtLoad": True,
        # After a crash, not after persistproc daemon stop.
        "KeepAlive": {"SuccessfulExit": False},
        # The processes go on when the daemon ends, as they do without a service.
        "AbandonProcessGroup": True,
        # Else launchd slows down the disk and the processor for it, and so for all that it starts.
        "ProcessType": "Interactive",
        "StandardErrorPath": log,
        # launchd passes over keys that it does not know.
        _HOME: program.home,
    }
    try:
        text = plistlib.dumps(document, sort_keys=False).decode()
    except (UnicodeEncodeError, ValueError):
        raise Unwritable("launchd takes no names that are not UTF-8, or that have control characters") from None
    head, line, rest = text.partition('<plist version="1.0">\n')
    return f"{head}{_MARKER}\n{line}{rest}"


def is_ours(text: str) -> bool:
    """True when we have written the agent."""
    return _MARKER in text


def home_of_plist(text: str) -> str:
    """The home that an agent of ours is for; empty when it does not say."""
    home = _document(text).get(_HOME)
    return home if isinstance(home, str) else ""


def program_of_plist(text: str) -> str:
    """The program that it starts; empty when it does not say."""
    words = _document(text).get("ProgramArguments")
    return words[0] if isinstance(words, list) and words and isinstance(words[0], str) else ""


def _document(text: str) -> dict[str, object]:
    import plistlib
    from xml.parsers.expat import ExpatError

    try:
        document = plistlib.loads(text.encode())
    except (ExpatError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
