"""Where the output of an adopted run can be had."""

from __future__ import annotations

from typing import NamedTuple

from ...protocol import Stream

__all__ = ["FollowedFile"]


class FollowedFile(NamedTuple):
    """A file that an adopted run writes its output to, and from which we copy it into the run's log."""

    stream: Stream
    path: str
    device: int
    inode: int
    begin: int
    """Where in the file the log begins: an offset of the log and this are an offset of the file. Negative after the
    file was cut off and began anew."""

    def is_same_file(self, other: FollowedFile) -> bool:
        """Whether both are one file, whatever its names are."""
        return (self.device, self.inode) == (other.device, other.inode)
