"""What the user has configured: ``config.toml`` in the home. How much output is kept, of all and of single processes.

The file is read again when it has changed, at the start of a run and when output is counted. Whatever is wrong in it
is told and otherwise without effect: the value keeps what it was before; where nothing was read before, nothing is
deleted until the file is mended.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

import anyio
import anyio.to_thread

from ..log import Log
from ..model import Process, Run
from ..projects import project_name
from ..restarting.policy import Backoff
from .config_file import CAREFUL, Config, ProcessLimits, parse

__all__ = ["Configuration"]

_MOST_BYTES = 1024 * 1024


class _Version(NamedTuple):
    """What changes when the file does."""

    inode: int
    size: int
    mtime_ns: int


class Configuration:
    """The configuration as it is now."""

    def __init__(self, path: str, log: Log) -> None:
        self.path = path
        self.problems: list[str] = []
        """What is wrong with the file, each with the key, what was expected and what stands there."""
        self._log = log
        self._config = CAREFUL
        self._version: _Version | str | None = ""  # unlike any: not even looked for yet

    async def refresh(self) -> None:
        """Read the file when it has changed. Never raises for what is in it."""
        await anyio.to_thread.run_sync(self._refresh)

    def _refresh(self) -> None:
        version, data = _read_changed(self.path, self._version)
        if version == self._version:
            return
        if isinstance(version, str):
            problems = [version]
        elif version is None:
            self._config, problems = Config(), []
        else:
            self._config, problems = parse(data, self._config)
        for problem in problems:
            self._log.warning("config.wrong", path=self.path, problem=problem)
        if version is not None:
            self._log.info("config.read", path=self.path)
        self.problems = problems
        self._version = version

    @property
    def total_bytes(self) -> int:
        """Most output that is kept of all processes together."""
        return self._config.total_bytes

    @property
    def backoff(self) -> Backoff:
        """How restarts by policy follow each other."""
        return self._config.restart

    def stream_bytes(self, process: Process, run: Run) -> int:
        """How much is kept of each stream of the run: as its start said, else as configured."""
        if run.settings.keep_bytes is not None:
            return run.settings.keep_bytes
        of_process = self._of(process).stream_bytes
        return self._config.stream_bytes if of_process is None else of_process

    def runs(self, process: Process) -> int:
        """How many runs of the process are kept: as its newest start said, else as configured."""
        run = process.current
        if run is not None and run.settings.keep_runs is not None:
            return run.settings.keep_runs
        of_process = self._of(process).runs
        return self._config.runs if of_process is None else of_process

    def _of(self, process: Process) -> ProcessLimits:
        """The more exact key wins, for each value of its own."""
        stream_bytes: int | None = None
        runs: int | None = None
        for key in (
            process.name,
            f"{project_name(process.project_directory)}/{process.name}",
            f"{process.project_directory.rstrip(os.sep)}/{process.name}",
        ):
            limits = self._config.processes.get(key)
            if limits is not None:
                stream_bytes = stream_bytes if limits.stream_bytes is None else limits.stream_bytes
                runs = runs if limits.runs is None else limits.runs
        return ProcessLimits(stream_bytes, runs)


def _read_changed(path: str, known: _Version | str | None) -> tuple[_Version | str | None, bytes]:
    """The file's version, with its content where it is another one than the known; None: there is no file.

    A text says why it cannot be read.
    """
    try:
        # Not blocking: somebody may have made a FIFO of that name.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None, b""
    except OSError as error:
        return f"cannot be read: {error.strerror}", b""
    try:
        status = os.fstat(fd)
        version = _Version(status.st_ino, status.st_size, status.st_mtime_ns)
        if not stat.S_ISREG(status.st_mode):
            return "cannot be read: it is no file", b""
        if status.st_size > _MOST_BYTES:
            return f"cannot be read: it is longer than {_MOST_BYTES} bytes", b""
        return version, b"" if version == known else os.read(fd, _MOST_BYTES)
    except OSError as error:
        return f"cannot be read: {error.strerror}", b""
    finally:
        os.close(fd)
