"""A real tmux of a test's own: its screen is what a person would see."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.cli.support import CLI, Cli
from tests.kit import wait_gone

__all__ = ["Pane", "tmux"]

SECONDS = 20.0
PROMPT = "shell>"


class Pane:
    """One window with a shell, in which ``persistproc`` is ours."""

    def __init__(self, cli: Cli, folder: Path, rows: int, columns: int) -> None:
        self._socket = os.path.join(cli.home.path, "tmux")
        self._environment = cli.variables({"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"})
        for name in ("TMUX", "TMUX_PANE"):
            self._environment.pop(name, None)
        # dash takes no prompt from its environment.
        prompt = folder / "prompt"
        prompt.write_text(f"PS1='{PROMPT} '\n", "utf-8")
        self._environment["ENV"] = str(prompt)
        command = folder / "persistproc"
        command.write_text(f'#!/bin/sh\nexec {shlex.join(CLI)} "$@"\n', "utf-8")
        command.chmod(0o755)
        self._environment["PATH"] = f"{folder}:{self._environment['PATH']}"
        size = ["-x", str(columns), "-y", str(rows)]
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "-c", str(cli.project), "/bin/sh")
        self.server = int(self._tmux("display-message", "-p", "#{pid}"))

    def _tmux(self, *words: str) -> str:
        finished = subprocess.run(
            ["tmux", "-u", "-S", self._socket, *words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    def screen(self) -> str:
        """What is on the screen, line by line, without blanks at the ends."""
        return self._tmux("capture-pane", "-p").rstrip("\n")

    def state(self, name: str) -> str:
        """A fact about the pane: ``alternate_on``, ``cursor_flag``, ``mouse_any_flag``."""
        return self._tmux("display-message", "-p", f"#{{{name}}}").strip()

    def wait_for(self, text: str, *, gone: bool = False) -> str:
        """Look at the screen until the text is there (or gone), for nothing tells when tmux has drawn."""
        deadline = time.monotonic() + SECONDS
        while True:
            screen = self.screen()
            if (text in screen) != gone:
                return screen
            assert time.monotonic() < deadline, f"{text!r} is {'still' if gone else 'not'} on the screen:\n{screen}"
            time.sleep(0.02)

    def type(self, text: str) -> None:
        """Type a text as it is."""
        self._tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: Enter, C-c, Escape."""
        self._tmux("send-keys", *keys)

    def enter(self, line: str) -> None:
        """Type a line and press Enter."""
        self.type(line)
        self.press("Enter")

    def resize(self, rows: int, columns: int) -> None:
        """Change the size of the window."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def detach(self) -> None:
        """Press the detach key and wait for the shell, whose terminal must be as it was."""
        self.press("C-\\")
        self.wait_for("still runs")
        self.check_terminal()

    def client(self) -> psutil.Process:
        """The process of the command that the shell runs."""
        shell = int(self._tmux("display-message", "-p", "#{pane_pid}"))
        return psutil.Process(shell).children()[0]

    def check_terminal(self) -> None:
        """Assert, by what the shell can do, that nothing of ours is left on the terminal; it is cleared then."""
        for name, value in (("alternate_on", "0"), ("cursor_flag", "1"), ("mouse_any_flag", "0"), ("keypad_flag", "0")):
            assert self.state(name) == value, name
        self.enter("clear; stty -a | tr ' ' '\\n' | grep -cx -e icanon -e echo -e isig -e opost; echo do''ne")
        lines = self.wait_for("\ndone\n").splitlines()
        assert lines[0] == "4", "the terminal is not as it was"
        self.enter("clear")
        self.wait_for("done", gone=True)

    def close(self) -> None:
        """End tmux and what runs in it."""
        with contextlib.suppress(AssertionError):
            self._tmux("kill-server")
        wait_gone(self.server)


@contextlib.contextmanager
def tmux(cli: Cli, folder: Path, *, rows: int = 24, columns: int = 80) -> Iterator[Pane]:
    """A shell in a window of tmux."""
    pane = Pane(cli, folder, rows, columns)
    try:
        pane.wait_for(PROMPT)
        yield pane
    finally:
        pane.close()
