"""An agent's own command that adds a server, run where it is there."""

from __future__ import annotations

from .program import find_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import Popen

__all__ = ["run_own_command"]

_SECONDS = 30.0


def run_own_command(command: list[str], seconds: float = _SECONDS) -> str | None:
    """Run it; None when it succeeded, else why not, on one line. Whether it did what it should is for the caller."""
    import subprocess

    program = find_program(command[0])
    if program is None:
        return f"there is no program {command[0]}"
    try:
        # In a session of its own: one that asks something would else take the terminal, and wait there for ever.
        process = subprocess.Popen(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return error.strerror or str(error)
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _end_session(process)
        return f"it did not end within {seconds:.0f} s"
    if process.returncode == 0:
        return None
    said = output.decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(said) if line.strip()), "")
    return f"exit code {process.returncode}{': ' if last else ''}{last[:200]}"


def _end_session(process: Popen[bytes]) -> None:
    """End it with its children: those of npm start the real program, which would write the file after we have."""
    import os
    import signal

    os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
