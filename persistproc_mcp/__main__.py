"""``python -m persistproc_mcp``: the bridge as a program. ``persistproc serve`` and ``persistproc mcp`` start it.

Exit codes: 0 when it was ended, is served in the background, or another bridge serves this home already; else as in
`persistproc_core.errors`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from persistproc_core.errors import PersistprocError
from persistproc_core.paths import resolve_home

from .serving.detach import start_detached
from .serving.program import run
from .serving.wanted import Outcome, Wanted
from .serving.words import farewell, greeting
from .settings import DEFAULT_HOST, DEFAULT_PORT

_LAST_PORT = 65535
_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the bridge; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _options(given)
    if (options.detach and "PERSISTPROC_RUN" in os.environ) or sys.getfilesystemencoding() != "utf-8":
        # Started from inside a run: with that run's marker in our environment, stopping the run would stop us.
        # Started in an ASCII locale: the paths of a directory that is called é would break.
        clean = {name: value for name, value in os.environ.items() if name != "PERSISTPROC_RUN"}
        os.execve(sys.executable, [sys.executable, "-X", "utf8", "-m", "persistproc_mcp", *given], clean)
    try:
        return _serve(options)
    except PersistprocError as error:
        return _fail(error, options.json)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _options(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="persistproc_mcp",
        description="The bridge between agents and the persistproc daemon: MCP and HTTP on a port and a socket.",
        epilog="example: python -m persistproc_mcp --home /tmp/pp --port 0",
    )
    parser.add_argument("--home", metavar="DIR", help="folder to use instead of $PERSISTPROC_HOME or ~/.persistproc")
    parser.add_argument("--host", help=f"address to listen on (default {DEFAULT_HOST})")
    parser.add_argument("--port", type=_port, metavar="N", help=f"port to listen on (default {DEFAULT_PORT}); 0: any")
    parser.add_argument("--no-port", action="store_true", help="listen on the Unix socket of the home alone")
    parser.add_argument("--port-if-free", action="store_true", help="the socket alone when the port is taken")
    parser.add_argument("--token", action="store_true", help="callers of the port need the token of the home")
    parser.add_argument("--token-file", metavar="FILE", help="callers of the port need the token in this file")
    parser.add_argument("--detach", action="store_true", help="return when it answers, and go on in the background")
    parser.add_argument("--json", action="store_true", help="say what GET /health says, as JSON")
    return parser.parse_args(given)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _LAST_PORT):
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to {_LAST_PORT}, not {text!r}")
    return int(text)


def _serve(options: argparse.Namespace) -> int:
    wanted = Wanted(
        home=resolve_home(options.home),
        host=options.host,
        port=options.port,
        no_port=options.no_port,
        port_if_free=options.port_if_free,
        token=options.token,
        token_file=options.token_file and os.path.abspath(options.token_file),
        foreground=not options.detach,
    )
    if options.detach:
        _tell(start_detached(wanted), options)
        return 0
    served = False

    def tell(outcome: Outcome) -> None:
        nonlocal served
        served = not outcome.already
        _tell(outcome, options)

    code = run(wanted, tell)
    if served and not options.json:
        _say(farewell(wanted.home))
    return code


def _tell(outcome: Outcome, options: argparse.Namespace) -> None:
    _say(_document(outcome.about) if options.json else greeting(outcome, options.detach))


def _say(text: str) -> None:
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError:
        # Nobody reads any more. It is no reason to end, and must not be complained of at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _document(value: object) -> str:
    # As the verbs and HTTP write them: who compares what two of them say compares texts.
    return json.dumps(value, separators=(",", ":"))


def _fail(error: PersistprocError, as_json: bool) -> int:
    if as_json:
        document = {"code": error.code, "message": error.message, "hint": error.hint, **error.data}
        sys.stderr.write(_document({"error": document}) + "\n")
    else:
        hint = f" ({error.hint})" if error.hint else ""
        sys.stderr.write(f"persistproc: {error.message}{hint}\n")
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
