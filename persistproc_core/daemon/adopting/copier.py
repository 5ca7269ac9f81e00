"""Copies what an adopted run writes into a file of its own into the run's log, byte for byte.

The bytes go through the run's FIFO, as those of every other run do, so the keeper writes the log. How far it has come
is told by the log itself: its length and `FollowedFile.begin` are the place in the file. So nothing is lost or doubled,
whoever is killed in between.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread

from ..fifos import open_nameless
from ..logs.reader import RunLog
from ..model import Run
from .followed import FollowedFile
from .streams import link_of, same_stream_now

__all__ = ["Copier"]

_CHUNK_BYTES = 64 * 1024


class Copier:
    """One file of one run."""

    def __init__(self, run: Run, file: FollowedFile, write: Callable[[Run], Awaitable[None]]) -> None:
        """``write(run)`` writes its record."""
        self.run = run
        self.file = file
        self._write = write
        self._source = -1
        self._fifo = -1
        self._position = -1
        self._has_hole = False
        self._lock = anyio.Lock()
        self._work = anyio.CancelScope()

    @property
    def key(self) -> str:
        """Names the file, whatever it is called."""
        return f"{self.file.device}:{self.file.inode}"

    @property
    def path(self) -> str:
        """What opens the file as long as we have it open."""
        return f"/proc/self/fd/{self._source}"

    def open(self, keeper: int | None) -> None:
        """Open both ends. Blocks for as long as the disk takes. Raises `OSError`."""
        if self._source < 0:
            self._source = _open_file(self.run, self.file)
        if self._fifo < 0:
            self._fifo = _open_fifo(self.run, self.file, keeper)

    def close(self) -> None:
        """Let go of both; closing twice is fine."""
        source, self._source = self._source, -1
        fifo, self._fifo = self._fifo, -1
        for fd in (source, fifo):
            if fd >= 0:
                os.close(fd)

    async def align(self, drain: Callable[[Run], Awaitable[None]]) -> None:
        """Find out how far the log has come. ``drain(run)`` has all in it that is on its way."""
        async with self._lock:
            with anyio.CancelScope() as self._work:
                await drain(self.run)
                sizes = await anyio.to_thread.run_sync(RunLog(self.run.directory).sizes)
                self._position = max(self.file.begin + sizes.of(self.file.stream), 0)

    async def copy(self) -> None:
        """Copy what is there by now, as far as nobody interrupts it."""
        async with self._lock:
            if self._position < 0 or self._fifo < 0:
                return
            with anyio.CancelScope() as self._work:
                await self._copy_to(await anyio.to_thread.run_sync(self._size))

    async def interrupt(self) -> None:
        """Do nothing more until the next `align`; returns when nothing is under way."""
        self._work.cancel()
        async with self._lock:
            self._position = -1

    async def _copy_to(self, size: int) -> None:
        if size < self._position:
            await self._cut_off()
        while self._position < size:
            data = await anyio.to_thread.run_sync(os.pread, self._source, _CHUNK_BYTES, self._position)
            if not data:
                return  # it was cut off meanwhile, which the kernel tells us as well
            if self._has_hole:
                data = await self._without_hole(data)
            await self._pass(data)

    async def _pass(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                written = os.write(self._fifo, rest)
            except BlockingIOError:
                await anyio.wait_writable(self._fifo)
                continue
            self._position += written
            rest = rest[written:]

    async def _cut_off(self) -> None:
        """Somebody has emptied the file (logrotate(8), copytruncate): go on with its new beginning."""
        await self._begin_at(0, self.file)
        # Who writes without O_APPEND goes on where it was: before that the file then reads as zeros (lseek(2)).
        self._has_hole = True

    async def _without_hole(self, data: bytes) -> bytes:
        text = data.lstrip(b"\0")
        if len(text) < len(data):
            await self._begin_at(self._position + len(data) - len(text), self.file)
        self._has_hole = not text
        return text

    async def follow_elsewhere(self) -> bool:
        """Go on in the file that the process writes to by now, when it is another one; True when it is."""
        async with self._lock:
            if self._position < 0:
                return False
            now = await anyio.to_thread.run_sync(same_stream_now, self.run, self.file)
            if now is None:
                return False
            source = await anyio.to_thread.run_sync(_open_file, self.run, now)
            await self._copy_to(await anyio.to_thread.run_sync(self._size))  # its last words there
            os.close(self._source)
            self._source = source
            await self._begin_at(0, now)
            return True

    async def _begin_at(self, position: int, file: FollowedFile) -> None:
        """The log goes on with this place of this file. On disk before anything of it is in the log."""
        written = self._position - self.file.begin
        former, self.file, self._position = self.file, file._replace(begin=position - written), position
        self.run.followed = tuple(self.file if each == former else each for each in self.run.followed)
        await self._write(self.run)

    def _size(self) -> int:
        return os.fstat(self._source).st_size


def _open_file(run: Run, file: FollowedFile) -> int:
    # By way of the process itself: the file may have been renamed or deleted since. Once that has ended: by its name.
    for path in (link_of(run.pid or 0, file.stream), file.path):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            problem = error
            continue
        status = os.fstat(fd)
        if (status.st_dev, status.st_ino) == (file.device, file.inode):
            return fd
        os.close(fd)
        problem = FileNotFoundError(2, "another file has its name")
    raise problem


def _open_fifo(run: Run, file: FollowedFile, keeper: int | None) -> int:
    # For reading and writing, so that the keeper's death is no SIGPIPE.
    flags = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(os.path.join(run.directory, file.stream), flags)
    except OSError:
        fd = open_nameless(run.run_id, file.stream, keeper, flags) if keeper is not None else None
        if fd is None:
            raise
        return fd
