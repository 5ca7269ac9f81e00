"""An agent's own command that adds a server, run where it is there."""

from __future__ import annotations

from .program import find_program

__all__ = ["run_own_command"]

_SECONDS = 30.0


def run_own_command(command: list[str]) -> str | None:
    """Run it; None when it succeeded, else why not, on one line. Whether it did what it should is for the caller."""
    import subprocess

    program = find_program(command[0])
    if program is None:
        return f"there is no program {command[0]}"
    try:
        # In a session of its own: one that asks something would else take the terminal, and wait there for ever.
        done = subprocess.run(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_SECONDS,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        return f"it did not end within {_SECONDS:.0f} s"
    except OSError as error:
        return error.strerror or str(error)
    if done.returncode == 0:
        return None
    said = done.stdout.decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(said) if line.strip()), "")
    return f"exit code {done.returncode}{': ' if last else ''}{last[:200]}"
