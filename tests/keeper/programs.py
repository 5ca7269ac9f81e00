"""Other versions of the keeper's program: copies of its folder, with a few words changed."""

from __future__ import annotations

import os
import select
import shutil
from pathlib import Path

from tests.keeper.rig import PROGRAM

__all__ = ["Copy", "Pause"]


class Copy:
    """A copy of the keeper's program."""

    def __init__(self, folder: Path, version: int | None = None) -> None:
        """Copy it below this folder, with another version of the wire if one is given."""
        self.folder = folder / "persistproc_core" / "keeper"
        shutil.copytree(PROGRAM.parent, self.folder)  # with what is compiled already
        (self.folder.parent / "__init__.py").touch()
        if version is not None:
            self.change("wire.py", "\nVERSION = 1\n", f"\nVERSION = {version}\n")

    @property
    def program(self) -> Path:
        """What is executed."""
        return self.folder / "__main__.py"

    def change(self, name: str, old: str, new: str) -> None:
        """Put other words into a file, which must be there once."""
        path = self.folder / name
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{name} has {text.count(old)} times {old!r}"
        path.write_text(text.replace(old, new), "utf-8")

    def insert(self, name: str, after: str, line: str) -> None:
        """Put a statement behind a line, with as many blanks before it."""
        blanks = " " * (len(after) - len(after.lstrip()))
        self.change(name, f"\n{after}\n", f"\n{after}\n{blanks}{line}\n")

    def pause(self, name: str, after: str, condition: str = "True") -> Pause:
        """Have it stand still behind a line, when it comes there and the condition is true."""
        pause = Pause(self.folder)
        here, go = str(pause.here), str(pause.go)
        steps = f"[__import__('os').close(__import__('os').open(*each)) for each in (({here!r}, 1), ({go!r}, 0))]"
        self.insert(name, after, f"{steps} if {condition} else None")
        return pause


class Pause:
    """A place in a program: it waits there for the test, in the opening of FIFOs (fifo(7))."""

    def __init__(self, folder: Path) -> None:
        self.here = folder / "here"
        self.go = folder / "go"
        os.mkfifo(self.here)
        os.mkfifo(self.go)

    def reached(self, within: float = 10.0) -> None:
        """Return when it is there. Raises `TimeoutError`."""
        fd = os.open(self.here, os.O_RDONLY | os.O_NONBLOCK)
        try:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            if not poll.poll(within * 1000):
                raise TimeoutError("the keeper has not come to its pause")
        finally:
            os.close(fd)

    def over(self) -> None:
        """Let it go on."""
        os.close(os.open(self.go, os.O_WRONLY))
