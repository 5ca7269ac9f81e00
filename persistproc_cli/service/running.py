"""Programs of the service manager, run with a deadline."""

from __future__ import annotations

import os
import shlex

__all__ = ["Ran", "run", "typed"]

_SECONDS = 90.0
_MISSING = 127


class Ran:
    """A command that was run: its exit code, and what it said."""

    __slots__ = ("argv", "code", "errors", "output")

    def __init__(self, argv: list[str], code: int, output: str, errors: str) -> None:
        self.argv = argv
        self.code = code
        self.output = output
        self.errors = errors

    @property
    def text(self) -> str:
        """As one would type it."""
        return typed(self.argv)

    @property
    def problem(self) -> str:
        """Why it failed, in its own first words; empty when it did not."""
        if not self.code:
            return ""
        said = (self.errors or self.output).strip().splitlines()
        return said[0] if said else f"exit status {self.code}"


def typed(argv: list[str]) -> str:
    """A command as one would type it in a shell."""
    return shlex.join(argv)


def run(argv: list[str]) -> Ran:
    """Run it to its end. One that is not there, or hangs, has failed; nothing is raised."""
    import subprocess

    try:
        done = subprocess.run(
            argv,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return Ran(argv, _MISSING, "", f"{argv[0]} does not answer")
    except OSError as error:
        return Ran(argv, _MISSING, "", f"{argv[0]}: {error.strerror}")
    return Ran(argv, done.returncode, done.stdout, done.stderr)


def _environment() -> dict[str, str]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
    # After su, in cron and in some containers it is not set, and systemctl --user finds no manager that is there.
    runtime = f"/run/user/{os.getuid()}"
    if "XDG_RUNTIME_DIR" not in environment and os.path.isdir(runtime):
        environment["XDG_RUNTIME_DIR"] = runtime
    return environment
