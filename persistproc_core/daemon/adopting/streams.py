"""Where a foreign process writes its output to, and which of that can be had.

What it writes into a file can be read there by us as well. A terminal or a pipe has one reader already: whoever else
reads from it takes away what was meant for that one, so such output is left alone, and that is said.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from ...protocol import Stream
from ..model import Run
from .followed import FollowedFile

__all__ = ["Streams", "link_of", "look_at_streams", "same_stream_now"]

_RECENT_BYTES = 256 * 1024
_DESCRIPTORS: tuple[tuple[Stream, int], ...] = (("stdout", 1), ("stderr", 2))


class Streams(NamedTuple):
    """What of the output of a process can be had, and the same in words."""

    files: tuple[FollowedFile, ...]
    words: str


def link_of(pid: int, stream: Stream) -> str:
    """What opens the very file that a process writes to, also a deleted one (proc_pid_fd(5))."""
    return f"/proc/{pid}/fd/{dict(_DESCRIPTORS)[stream]}"


def look_at_streams(pid: int) -> Streams:
    """Where a process writes to, at this moment. Blocks; never raises."""
    files: list[FollowedFile] = []
    where: dict[Stream, str] = {}
    for stream, _ in _DESCRIPTORS:
        found = _look(pid, stream)
        if isinstance(found, str):
            where[stream] = found
        elif not any(found.is_same_file(file) for file in files):
            files.append(found)
    return Streams(tuple(files), _words(files, where))


def same_stream_now(run: Run, file: FollowedFile) -> FollowedFile | None:
    """The file that the process writes this stream to by now, when it is another one that can be read. Blocks."""
    pid = run.pid or 0
    try:
        # This is asked at each write: whoever looks closer reads a quarter of a megabyte.
        status = os.stat(link_of(pid, file.stream))
    except OSError:
        return None
    if (status.st_dev, status.st_ino) == (file.device, file.inode):
        return None
    found = _look(pid, file.stream)
    if isinstance(found, str) or found.is_same_file(file):
        return None
    return found if run.handle is not None and run.handle.is_alive() else None


def _look(pid: int, stream: Stream) -> FollowedFile | str:
    """The file, or why there is none to follow."""
    link = link_of(pid, stream)
    try:
        path = os.readlink(link)
        status = os.stat(link)
    except FileNotFoundError:
        return "is closed"
    except OSError as error:
        return f"cannot be seen ({error.strerror})"
    if not stat.S_ISREG(status.st_mode):
        return _no_file(path, status.st_mode)
    try:
        fd = os.open(link, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        return f"goes to {path}, which cannot be read ({error.strerror})"
    try:
        begin = _begin(fd, status.st_size)
    except OSError as error:
        return f"goes to {path}, which cannot be read ({error.strerror})"
    finally:
        os.close(fd)
    return FollowedFile(stream, path, status.st_dev, status.st_ino, begin)


def _no_file(path: str, mode: int) -> str:
    if path == "/dev/null":
        return "is thrown away (/dev/null)"
    if stat.S_ISCHR(mode):
        return f"goes to the terminal {path} and cannot be had" if "tty" in path or "/pts/" in path else _device(path)
    if stat.S_ISFIFO(mode):
        return "goes into a pipe and cannot be had"
    return "goes to a socket and cannot be had" if stat.S_ISSOCK(mode) else _device(path)


def _device(path: str) -> str:
    return f"goes to {path} and cannot be had"


def _begin(fd: int, size: int) -> int:
    """Where the last whole lines of a file begin that are worth a look: what a server said at its start."""
    begin = max(size - _RECENT_BYTES, 0)
    if begin == 0:
        return 0
    newline = os.pread(fd, _RECENT_BYTES, begin - 1).find(b"\n")
    return begin + newline if newline >= 0 else begin


def _words(files: list[FollowedFile], where: dict[Stream, str]) -> str:
    how = {**{file.stream: f"is read from {file.path}" for file in files}, **where}
    if len(set(how.values())) == 1:
        return f"its output {how.popitem()[1]}"
    return "; ".join(f"its {stream} {how[stream]}" for stream in sorted(how, reverse=True))
