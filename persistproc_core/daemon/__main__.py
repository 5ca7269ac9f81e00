"""``python -m persistproc_core.daemon [--home DIR] [--detach] [--ready-fd N] [--take-over]``: the daemon as a program.

On the ready descriptor comes one line: ``ready`` when connections are accepted (by this daemon or by the one that was
there before), else ``error`` and a JSON-RPC error object. Exit codes: 0; 3, another daemon has this home; else as in
`persistproc_core.errors`.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..errors import PersistprocError


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
    parser.add_argument("--take-over", action="store_true", help="end a daemon that runs already and take its place")
    parser.add_argument("--handover-fd", type=int, metavar="N", help=argparse.SUPPRESS)
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
    return _serve(options)


def _serve(options: argparse.Namespace) -> int:
    import gc

    from ..errors import DaemonUnavailable, PersistprocError
    from ..paths import resolve_home

    # What is imported stays, so looking through it for garbage is a tenth of the time that whoever starts us waits.
    gc.disable()
    from .notify import Notifier, take_from_environment
    from .program import run, succeed

    gc.enable()

    notifier = take_from_environment()
    if options.detach:
        # A client started us, and what it has in its environment was said to the service that it runs in.
        notifier = Notifier()
    try:
        home = resolve_home(options.home)
        home.ensure()
        if options.handover_fd is not None:
            return succeed(home, options.handover_fd, notifier)
        return run(home, options.ready_fd, notifier, instead=options.take_over)
    except PersistprocError as error:
        return _give_up(options.ready_fd, error)
    except OSError as error:
        # A full disk, a link in the place of a file: the manager of a service would try it again and again.
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        problem = DaemonUnavailable(f"the daemon cannot start: {what}", hint="mend that, or see persistproc doctor")
        return _give_up(options.ready_fd, problem)


def _give_up(ready_fd: int | None, error: PersistprocError) -> int:
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
