"""The entry point: find the verb, run it, and turn whatever happens into a message and an exit code."""

from __future__ import annotations

import os
import sys

from persistproc_core.errors import PersistprocError, VersionMismatch

from .arguments import UsageError, parse
from .context import Context
from .dispatch import dispatch
from .output import detach_streams, note, report_error
from .terminal import is_terminal, prepare_streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from persistproc_core.client.sync import Client

    from .arguments import Command

__all__ = ["command_named", "main"]

EXIT_DEFECT = 70
EXIT_INPUT_OUTPUT = 74
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

_ABOUT_THE_DAEMON = ("daemon", "shutdown")


def command_named(verb: str) -> Command:
    """The declaration of a verb; only its own module is imported."""
    module = __import__(f"persistproc_cli.commands.{verb}", fromlist=["COMMAND"])
    command: Command = module.COMMAND
    return command


def main(given: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code. Only PERSISTPROC_DEBUG=1 lets an exception out, to show it."""
    words = list(sys.argv[1:] if given is None else given)
    prepare_streams()
    context = Context()
    try:
        code = _run(context, words)
        sys.stdout.flush()
    except PersistprocError as error:
        return _fail(context, error, words)
    except BrokenPipeError:
        # `persistproc logs web | head`: nobody reads any more. The exit code is that of any other program there.
        detach_streams(sys.stdout)
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        detach_streams(sys.stdout)
        return EXIT_INTERRUPTED
    except OSError as error:
        # What is ours is caught where it happens; this is a full disk behind `persistproc list > file`, and its like.
        note(f"input or output failed: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        detach_streams(sys.stdout)
        return EXIT_INPUT_OUTPUT
    except Exception as error:
        if os.environ.get("PERSISTPROC_DEBUG"):
            raise
        note(f"defect: {type(error).__name__}: {error} (PERSISTPROC_DEBUG=1 shows more; please report it)")
        detach_streams(sys.stdout)
        return EXIT_DEFECT
    return code


def _run(context: Context, words: list[str]) -> int:
    invocation = dispatch(words)
    context.json = invocation.json
    context.home_path = invocation.home
    command = command_named(invocation.verb)
    arguments = parse(command, invocation.words)
    context.json = context.json or arguments.flag("--json")
    context.home_path = arguments.text("--home") or context.home_path
    if arguments.flag("-h"):
        from .help import verb_help

        print(verb_help(command))
        return 0
    code = command.run(context, arguments)
    if context.client is not None and not context.json and invocation.verb not in _ABOUT_THE_DAEMON:
        _offer_restart(context.client)
    return code


def _offer_restart(client: Client) -> None:
    if is_terminal(sys.stderr):
        from .offer import offer_restart

        offer_restart(client)


def _fail(context: Context, error: PersistprocError, words: list[str]) -> int:
    # A line that was not understood: nobody can tell any more whose --json it was, and nothing was run.
    as_json = context.json or (isinstance(error, UsageError) and "--json" in words)
    if isinstance(error, VersionMismatch) and "upgrade the client" in error.message:
        error.hint = "run: pip install --upgrade persistproc; or, to go on with this one: persistproc daemon restart"
    if error.code == "process_not_found":
        from .never_started import with_hint

        error = with_hint(error, context.directory)
    try:
        report_error(error, as_json)
    except OSError:
        detach_streams(sys.stdout, sys.stderr)
    return error.exit_code
