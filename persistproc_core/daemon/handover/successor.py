"""The new daemon as the old one sees it: a child that has to show that it can serve, and is ended when it cannot."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from types import TracebackType

import anyio
import anyio.to_thread

from ...errors import ReplaceFailed
from ...signal_names import signal_name
from .channel import Channel, ChannelBroken, Message

__all__ = ["Successor", "failed", "start"]

_KEPT_BYTES = 8192
_TOLD_CHARACTERS = 200
_ENDS_SECONDS = 1.0


class Successor:
    """Use it in a with statement: unless `keep` was called, the child is gone at its end."""

    def __init__(self, child: subprocess.Popen[bytes], channel: Channel, words: int) -> None:
        """``words`` is the end of a pipe that has what the child writes to its standard streams; both become ours."""
        self._child = child
        self._channel = channel
        self._words = words
        self._said = b""
        self._kept = False

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    async def __aenter__(self) -> Successor:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._kept:
            # Before the channel is closed: to a child that lives, that would say that we are dead.
            self._kill()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._wait)
        self._channel.close()
        os.close(self._words)

    def keep(self) -> None:
        """It serves: it is to outlive us."""
        self._kept = True
        # Its object would warn, when it is collected, that the child still runs.
        self._child.returncode = 0

    async def say(self, content: Mapping[str, object], descriptors: Sequence[int] = ()) -> None:
        """Send it something. Raises `ReplaceFailed`."""
        try:
            await self._channel.send(content, descriptors)
        except ChannelBroken as broken:
            raise await self._failed(str(broken), gone=True) from None

    async def hear(self, stage: str, seconds: float) -> Message:
        """Its next message, which must be of that stage. Raises `ReplaceFailed` with what it said instead."""
        problem, gone = f"it was not {stage} within {seconds:g} s", False
        message: Message | None = None
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as group:
                # All the while: a child that writes more than fits into a pipe would stand still.
                group.start_soon(self._collect)
                try:
                    message = await self._channel.receive()
                except ChannelBroken as broken:
                    problem, gone = str(broken), True
                finally:
                    group.cancel_scope.cancel()
        # Only here: a return inside would be lost when the time is up as well (we were stopped), and it serves by now.
        if message is not None:
            if message.content.get("stage") == stage:
                return message
            problem = f"it said {message.content.get('stage')!r} instead of {stage!r}"
        raise await self._failed(problem, gone=gone)

    async def _collect(self) -> None:
        while True:
            await anyio.wait_readable(self._words)
            if not self._read():
                return

    def _read(self) -> bool:
        """Take what it has said; false at the end, and when there is nothing."""
        try:
            data = os.read(self._words, 65536)
        except BlockingIOError:
            return False
        self._said = (self._said + data)[-_KEPT_BYTES:]
        return bool(data)

    async def _failed(self, problem: str, *, gone: bool) -> ReplaceFailed:
        # One that has hung up may be about to tell by its exit what was wrong; any other might come to serve yet.
        status = await anyio.to_thread.run_sync(self._wait) if gone else None
        if status is None:
            # Before anything else goes on: it may have what we are about to use again.
            self._kill()
            await anyio.to_thread.run_sync(self._wait)
        else:
            problem = f"it was ended by {signal_name(-status)}" if status < 0 else f"it exited with code {status}"
        while self._read():
            pass
        said = self._said.decode("utf-8", "replace").strip()
        last = said.rpartition("\n")[2].strip()[:_TOLD_CHARACTERS]
        return failed(f"{problem}{f': {last}' if last else ''}", said)

    def _kill(self) -> None:
        if self._child.poll() is None:
            # With its group: what was started may be a wrapper (a shell's), and the daemon a child of that.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.kill()

    def _wait(self) -> int | None:
        """Its exit status; None when it does not end. Blocks for a moment."""
        try:
            return self._child.wait(_ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            return None


def failed(problem: str, said: str = "") -> ReplaceFailed:
    """The error of a replacement that was given up."""
    return ReplaceFailed(
        f"the new daemon did not come to serve: {problem}",
        hint="the old one goes on, and nothing was lost",
        data={"output": said},
    )


def start(program: Sequence[str], environment: Mapping[str, str]) -> Successor:
    """Start the new daemon. Blocks. Raises `ReplaceFailed` when that cannot be executed.

    Its last arguments are ``--handover-fd N``, our common socket.
    """
    ours, theirs = socket.socketpair()
    words, spoken = os.pipe()
    os.set_blocking(words, False)
    try:
        child = subprocess.Popen(
            [*program, "--handover-fd", str(theirs.fileno())],
            env=dict(environment),
            # Not where we are: it would import files of that folder instead of the modules that they are called like.
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=spoken,
            stderr=spoken,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        ours.close()
        os.close(words)
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise failed(f"{program[0]} cannot be started: {why}") from None
    finally:
        theirs.close()
        os.close(spoken)
    return Successor(child, Channel(ours), words)
