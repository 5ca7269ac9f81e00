"""What a verb says: documents on standard output, notes and errors on standard error."""

from __future__ import annotations

import os
import sys

from persistproc_core.client.lightjson import dumps

from .oneline import one_line, short_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from persistproc_core.errors import PersistprocError

__all__ = ["detach_streams", "in_options", "note", "print_document", "report_error", "say", "shortened", "tell_line"]

_LONGEST = 500
_MOST_DETAILS = 20
# What the hub calls by the names of its parameters, a person gives by an option.
_OPTIONS = (
    ("give force and a reason", "give --force and --reason TEXT"),
    ("force needs a reason", "--force needs --reason TEXT"),
    ("with grace_seconds", "with --grace SECONDS"),
)


def say(text: str) -> None:
    """Print a line of result; a reader at the other end of a pipe has it at once."""
    print(text, flush=True)


def note(text: str) -> None:
    """Print a line for people on standard error; a terminal that has gone is no failure."""
    try:
        print(f"persistproc: {one_line(text)}", file=sys.stderr, flush=True)
    except OSError:
        detach_streams(sys.stderr)


def tell_line(text: str) -> None:
    """Show a line of a process's output, or another detail, below a note."""
    print(f"  {one_line(shortened(text))}", file=sys.stderr)


def shortened(text: str) -> str:
    """The text, without its middle when it is much."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"


def print_document(document: object) -> None:
    """Print one JSON document on one line (ASCII, so that no locale can spoil it)."""
    sys.stdout.write(dumps(document) + "\n")
    sys.stdout.flush()


def report_error(error: PersistprocError, as_json: bool) -> None:
    """Print an error once, on standard error: ``persistproc: message (hint)``, or the JSON document."""
    sys.stdout.flush()
    if as_json:
        document = {"code": error.code, "message": error.message, "hint": error.hint, **error.data}
        sys.stderr.write(dumps({"error": document}) + "\n")
        sys.stderr.flush()
        return
    hint = in_options(error.hint) if error.code == "process_protected" else error.hint
    # It may begin with the path of a file, which is told as elsewhere.
    message = short_directory(error.message)
    note(f"{message} ({hint})" if hint else message)
    details = _details(error)
    for line in details[-_MOST_DETAILS:]:
        tell_line(line)
    sys.stderr.flush()


def in_options(hint: str) -> str:
    """A hint of the hub about what is protected, in the words of the command line."""
    for parameter, option in _OPTIONS:
        hint = hint.replace(parameter, option)
    return hint


def _details(error: PersistprocError) -> list[str]:
    """What the data of an error tells a person, beyond its message."""
    lines: list[str] = []
    for key in ("candidates", "survivors", "last_lines", "differences", "problems"):
        facts = error.data.get(key)
        if not isinstance(facts, list):
            continue
        # The first problem is the message itself; names that are like the one given stand in the hint.
        told = facts[1:] if key == "problems" else facts
        told = [fact for fact in told if isinstance(fact, dict)] if key == "candidates" else told
        lines += [_fact(fact) for fact in told if not _is_named(fact, error.message)]
    return lines


def _is_named(fact: object, message: str) -> bool:
    name = fact.get("process") if isinstance(fact, dict) else None
    return isinstance(name, str) and name in message


def _fact(fact: object) -> str:
    if not isinstance(fact, dict):
        return str(fact)
    if "text" in fact:
        line, hint = fact.get("line"), fact.get("hint")
        text = f"{fact['text']} ({hint})" if hint else str(fact["text"])
        return f"line {line}: {text}" if isinstance(line, int) else text
    return "  ".join(str(value) for value in fact.values() if value is not None)


def detach_streams(*streams: object) -> None:
    """Point streams whose reader has gone to nowhere: else the interpreter complains when it flushes them at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        fileno = getattr(stream, "fileno", None)
        if fileno is not None:
            os.dup2(nowhere, fileno())
    os.close(nowhere)
