"""A terminal window with a shell in it, in which a call of ours runs: what the shell has afterwards is what we left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import termios
import time
from collections.abc import Iterator, Mapping

import psutil

from tests.cli.support import CLI, SECONDS, Cli, Terminal
from tests.kit import eventually

__all__ = ["DETACH", "Window", "wait_until_drawn", "window"]

DETACH = "\x1c"

# The shell goes on after the call: when the first process of a terminal ends, the terminal ends with it.
_SHELL = """
trap : INT QUIT
stty rows "$1" cols "$2"
shift 2
"$@"
echo "left with $?"
read -r line
"""


class Window(Terminal):
    """A window of that size, and the call in it."""

    def __init__(self, cli: Cli, words: tuple[str, ...], size: tuple[int, int], env: Mapping[str, str]) -> None:
        shell = ["/bin/sh", "-c", _SHELL, "sh", *map(str, size), *CLI, *words]
        super().__init__(shell, cli.project, cli.variables({"TERM": "xterm-256color", **env}))
        self.before = self.attributes()

    def attributes(self) -> list[object]:
        """What ``stty`` would say of the terminal."""
        return list(termios.tcgetattr(self._master))

    def resize(self, rows: int, columns: int) -> None:
        """Change the size of the window; what runs in it gets SIGWINCH."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def client(self) -> psutil.Process:
        """The process of the call; it has said something already."""
        return psutil.Process(self.pid).children()[0]

    def type_all(self, data: bytes) -> None:
        """Type more than fits in at once, as a paste does."""
        os.set_blocking(self._master, False)
        deadline = time.monotonic() + SECONDS
        while data and time.monotonic() < deadline:
            ready = select.select([self._master], [self._master], [], SECONDS)
            if ready[0]:
                self._read(0)
            if ready[1]:
                with contextlib.suppress(BlockingIOError):
                    data = data[os.write(self._master, data[:4096]) :]
        os.set_blocking(self._master, True)
        assert not data, "not all of it was taken"

    def rest(self) -> str:
        """What is there and was not looked at yet."""
        while self._read(0):
            pass
        text, self.output = self.output.decode("utf-8", "backslashreplace"), b""
        return text

    def left(self) -> tuple[int, str]:
        """Wait until the call is over: its exit code, and what was shown since the last look."""
        shown = self.wait_for(r"left with \d+\r\n")
        assert self.attributes() == self.before, "the terminal is not as it was"
        text, _, code = shown.rpartition("left with ")
        return int(code), text


@contextlib.contextmanager
def window(
    cli: Cli, *words: str, size: tuple[int, int] = (24, 80), env: Mapping[str, str] | None = None
) -> Iterator[Window]:
    """A call in a window, which is closed after it."""
    opened = Window(cli, words, size, env or {})
    try:
        yield opened
    finally:
        opened.close()


def wait_until_drawn(cli: Cli, name: str) -> None:
    """Until the program ``full_screen`` has filled its screen: only then has it to draw anew when somebody attaches."""

    def is_drawn() -> bool:
        pieces = cli.hub.get_process_output(process=name, format="raw")["lines"]
        return any("drawing 1" in piece["text"] for piece in pieces)

    eventually(is_drawn, SECONDS, f"{name} has drawn")
