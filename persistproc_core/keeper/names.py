"""Names for FIFOs whose own were deleted together with their folder: whoever has one open still has it."""

from __future__ import annotations

import os
import stat

from .system import unlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Lent", "has_fifo"]

_DESCRIPTORS = {b"stdin": 0, b"stdout": 1, b"stderr": 2}


def has_fifo(path: bytes) -> bool:
    """True when there is a FIFO of that name."""
    try:
        return stat.S_ISFIFO(os.lstat(path).st_mode)
    except OSError:
        return False


class Lent:
    """While it is entered, the FIFOs can be opened under these names again, as far as somebody has them.

    The names are links to descriptors (proc(5): opening one opens the same FIFO): of this process, or the standard
    streams of the process ``pid``, if those are the deleted FIFOs of this very folder.
    """

    def __init__(self, directory: bytes, names: list[bytes], known: Mapping[bytes, int], pid: int) -> None:
        self._paths: list[bytes] = []
        self._links: list[tuple[bytes, bytes]] = []
        for name in names:
            path = os.path.join(directory, name)
            fd = known.get(name, -1)
            if fd >= 0:
                self._links.append((path, b"/proc/%d/fd/%d" % (os.getpid(), fd)))
            elif pid > 0 and _target(link := b"/proc/%d/fd/%d" % (pid, _DESCRIPTORS[name])) == path + b" (deleted)":
                self._links.append((path, link))

    def __enter__(self) -> None:
        for path, target in self._links:
            try:
                if os.path.islink(path):
                    os.unlink(path)  # of a keeper that died at this very place
                os.symlink(target, path)
                self._paths.append(path)
            except OSError:
                pass  # it is made anew then, for those who come

    def __exit__(self, *_: object) -> None:
        for path in self._paths:
            unlink(path)


def _target(link: bytes) -> bytes:
    try:
        return os.readlink(link)
    except OSError:
        return b""
