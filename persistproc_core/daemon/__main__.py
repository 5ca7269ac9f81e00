"""``python -m persistproc_core.daemon [--home DIR] [--detach] [--ready-fd N]``: the daemon as a program.

On the ready descriptor comes one line: ``ready`` when connections are accepted (by this daemon or by the one that was
there before), else ``error`` and a JSON-RPC error object. Exit codes: 0; 3, another daemon has this home; else as in
`persistproc_core.errors`.
"""

from __future__ import annotations

import os
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run the daemon; returns the exit code."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="persistproc_core.daemon",
        description="The persistproc daemon. Clients start it by themselves when they need it.",
        epilog="example: python -m persistproc_core.daemon --home /tmp/pp",
    )
    parser.add_argument("--home", help="folder to use instead of $PERSISTPROC_HOME or ~/.persistproc")
    parser.add_argument("--detach", action="store_true", help="go to the background at once, in a session of its own")
    parser.add_argument("--ready-fd", type=int, metavar="N", help="write one line to this descriptor when ready")
    options = parser.parse_args(arguments)
    if "PERSISTPROC_RUN" in os.environ or sys.getfilesystemencoding() != "utf-8":
        # Started from inside a run: with that run's marker in our environment, stopping the run would stop us.
        # Started in an ASCII locale: we could not work in a directory that is called é.
        clean = {name: value for name, value in os.environ.items() if name != "PERSISTPROC_RUN"}
        module = [sys.executable, "-X", "utf8", "-m", "persistproc_core.daemon"]
        os.execve(sys.executable, [*module, *(arguments or sys.argv[1:])], clean)
    if options.detach:
        # Before anything heavy is imported: the starter waits for this exit.
        if os.fork():
            return 0
        from ..background import forget_terminal

        os.setsid()
        forget_terminal()
    return _serve(options.home, options.ready_fd)


def _serve(home_path: str | None, ready_fd: int | None) -> int:
    import gc

    from ..errors import PersistprocError
    from ..paths import resolve_home

    # What is imported stays, so looking through it for garbage is a tenth of the time that whoever starts us waits.
    gc.disable()
    from .program import run

    gc.enable()

    try:
        home = resolve_home(home_path)
        home.ensure()
        return run(home, ready_fd)
    except PersistprocError as error:
        import json

        _tell(ready_fd, "error " + json.dumps(error.to_wire()))
        sys.stderr.write(f"persistproc: {error.message} ({error.hint})\n")
        return error.exit_code


def _tell(ready_fd: int | None, line: str) -> None:
    if ready_fd is not None:
        try:
            os.write(ready_fd, line.encode() + b"\n")
            os.close(ready_fd)
        except OSError:
            pass  # whoever started us does not wait any more


if __name__ == "__main__":
    sys.exit(main())
