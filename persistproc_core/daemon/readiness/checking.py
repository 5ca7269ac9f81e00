"""One attempt of a command that tells by its exit code whether a run is ready or alive.

It runs in the directory and with the environment of the run, the run's marker among it: what a daemon that was killed
leaves of it is ended with the run, and so is what it leaves to itself (a child whose parent has ended).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from subprocess import DEVNULL, STDOUT

import anyio
import anyio.to_thread
from anyio.abc import Process

from ..kernel.descendants import kill_with_descendants
from ..kernel.identity import identity_of
from ..kernel.process_table import MARKER
from ..logs.text import plain_text
from ..model import Run
from ..words.command import parse_command
from ..words.login_shell import in_login_shell

__all__ = ["attempt"]

_LONGEST_OUTPUT = 4096
_LAST_WORDS_SECONDS = 0.2
_LONGEST_LINE = 200


async def attempt(
    command: str | tuple[str, ...], run: Run, environment: Mapping[str, str], seconds: float
) -> tuple[bool, str]:
    """Run it once, for at most so long: whether it exited with code 0, and in words what came of it."""
    variables = {**environment, MARKER: run.run_id}
    in_login = run.settings.shell and isinstance(command, str)
    asked = in_login_shell(command, variables) if in_login else parse_command(command)
    # A pipe of our own: one that the command put into the background may keep the other end for ever.
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    try:
        try:
            # The program is looked for on the PATH of env.
            process = await anyio.open_process(
                asked.argv,
                stdin=DEVNULL,
                stdout=writer,
                stderr=STDOUT,
                cwd=run.working_directory,
                env=variables,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return False, f"{asked.argv[0]} cannot run: {getattr(error, 'strerror', None) or error}"
        finally:
            os.close(writer)
        return await _ended(process, reader, seconds)
    finally:
        os.close(reader)


async def _ended(process: Process, reader: int, seconds: float) -> tuple[bool, str]:
    tail = bytearray()
    try:
        with anyio.move_on_after(seconds) as waited:
            async with anyio.create_task_group() as group:
                group.start_soon(_collect, reader, tail)
                await process.wait()
                group.cancel_scope.deadline = anyio.current_time() + _LAST_WORDS_SECONDS
        ended = process.returncode is not None and not waited.cancelled_caught
    finally:
        await _end(process)
    return _told(process.returncode if ended else None, seconds, bytes(tail))


async def _collect(reader: int, tail: bytearray) -> None:
    while True:
        await anyio.wait_readable(reader)
        data = os.read(reader, _LONGEST_OUTPUT)
        if not data:
            return
        tail += data
        del tail[:-_LONGEST_OUTPUT]


async def _end(process: Process) -> None:
    if process.returncode is None:
        with anyio.CancelScope(shield=True):
            # A shell's children would go on, attempt after attempt. It is not reaped yet, so its number is its own.
            head = identity_of(process.pid)
            if head is not None:
                await anyio.to_thread.run_sync(kill_with_descendants, head)
            await process.wait()


def _told(code: int | None, seconds: float, output: bytes) -> tuple[bool, str]:
    lines = output.strip().splitlines()
    last = f": {plain_text(lines[-1])[0].strip()[:_LONGEST_LINE]}" if lines else ""
    if code is None:
        return False, f"the command did not end within {seconds:g} s{last}"
    if code < 0:
        return False, f"the command was ended by signal {-code}{last}"
    return code == 0, f"the command exited with code {code}{last if code else ''}"
