"""``persistproc init``: write a project's file from what the project's other files say."""

from __future__ import annotations

import os
import sys

from persistproc_core.errors import PersistprocError

from ..arguments import Arguments, Command, Option, UsageError
from ..confirming import confirmed, need_terminal
from ..oneline import one_line, short_directory
from ..output import note, print_document, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context
    from ..init.proposal import Proposal

__all__ = ["COMMAND"]

_NAME = "persistproc.toml"


def _run(context: Context, arguments: Arguments) -> int:
    directory = _directory(context, arguments)
    path = os.path.join(directory, _NAME)
    only_print = arguments.flag("--stdout")
    if not only_print:
        _refuse_another(directory, arguments.flag("--force"))
        if not arguments.flag("--yes"):
            need_terminal("init shows the file before it is written", hint="pass --yes to write it; --stdout to see it")
    from ..init.looking import find
    from ..init.unreadable import unreadable
    from ..init.writing import file_text

    proposals, wrong = find(directory), list(unreadable(directory))
    if not proposals:
        raise PersistprocError(
            "; ".join([f"nothing was found in {directory} that init knows how to start", *wrong]),
            hint="it looks for a Procfile, package.json, a Compose file, manage.py, FastAPI and Flask applications, "
            'pyproject.toml and a Makefile; to write it yourself, put [processes.web] and below it command = "..." '
            f"into {_NAME}",
        )
    for each in wrong:
        note(f"left out: {each}")
    text = file_text(proposals)
    written = not only_print and _is_agreed(context, arguments, path, text)
    if written:
        # It may have come while somebody read what is to be in it.
        _refuse_another(directory, arguments.flag("--force"))
        _write(path, text)
    if context.json:
        print_document({"file": path, "written": written, "content": text, "processes": _document(proposals)})
    elif only_print:
        sys.stdout.write(text)
    elif written:
        optional = [proposal.name for proposal in proposals if proposal.optional]
        say(f"written: {one_line(short_directory(path))}; look it over, then: persistproc up")
        if optional:
            note(f"left out by a plain up: {', '.join(optional)}")
    else:
        note("nothing was written")
    return 0 if written or only_print else 1


def _directory(context: Context, arguments: Arguments) -> str:
    said = arguments.words[0] if arguments.words else ""
    if context.directory is None and not os.path.isabs(said):
        raise UsageError("the working directory has been deleted", hint="cd to another one, or name one")
    directory = os.path.realpath(os.path.join(context.directory or "/", said))
    if not os.path.isdir(directory):
        raise UsageError(f"{said} is not a folder", hint="name the project's folder")
    return directory


def _refuse_another(directory: str, force: bool) -> None:
    """Raise `UsageError` where a file stands already that says what to run (a Procfile is what init reads)."""
    if force:
        return
    from persistproc_core.project_file.find import find_file

    found = find_file(directory)
    path = os.path.join(directory, _NAME)
    if found is None or found.format == "Procfile":
        if os.path.lexists(path):
            raise UsageError(f"{path} is there and is no file", hint="move it away")
        return
    raise UsageError(f"{found.path} is there already", hint="--force writes a new one; --stdout only shows it")


def _is_agreed(context: Context, arguments: Arguments, path: str, text: str) -> bool:
    if arguments.flag("--yes"):
        if not context.json:
            sys.stdout.write(text + "\n")
        return True
    sys.stderr.write(f"{text}\n")
    return confirmed(f"write this to {one_line(short_directory(path))}?")


def _write(path: str, text: str) -> None:
    """Whole or not at all. Raises `PersistprocError`."""
    beside = f"{path}.new-{os.getpid()}"
    try:
        with open(beside, "x", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except OSError as error:
        if os.path.lexists(beside):
            os.unlink(beside)
        raise PersistprocError(f"cannot write {path}: {error.strerror}", hint="--stdout only shows it") from None


def _document(proposals: list[Proposal]) -> list[dict[str, object]]:
    return [
        {"name": each.name, "command": each.command, "source": each.source, "optional": each.optional}
        for each in proposals
    ]


COMMAND = Command(
    "init",
    "[--yes] [--force] [--stdout] [DIRECTORY]",
    "Write a project's file, persistproc.toml, from what the project's other files say.",
    _run,
    options=(
        Option("--yes", "-y", help="write it without asking; needed where there is no terminal"),
        Option("--force", help="in the place of one that is there already"),
        Option("--stdout", help="only print it"),
    ),
    words=(0, 1),
    examples=("persistproc init", "persistproc init --stdout", "persistproc init --yes ~/src/shop"),
    notes=(
        "It reads the Procfile (Procfile.dev first), package.json with its workspaces (npm, pnpm, yarn, bun), the\n"
        "Compose file, manage.py, FastAPI, Starlette and Flask applications, the tasks of pyproject.toml, and, where\n"
        "there is nothing else, the Makefile. It runs nothing. The file is shown before it is written."
    ),
)
