"""What daemon and keeper are to do at which line: a page of memory that the test shares with them.

Only built-in modules and the standard library: the keeper imports it too.
"""

from __future__ import annotations

import os
import signal
import time

from tests.crash.page import PAGE_BYTES, shared_page

__all__ = ["KILL", "OFF", "RECORD", "Control"]

OFF, RECORD, KILL = 0, 1, 2
_VERSION_AT = 3000
_AWAKE_AT = 3001


class Control:
    """The page. The test writes it, the traced processes read ``page[0]`` at each call."""

    wake_signal = getattr(signal, "SIGRTMIN", signal.SIGUSR2)
    """Asks a daemon to be traced from now on."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.page = shared_page(path)

    def off(self) -> None:
        """Do nothing."""
        self.page[0] = OFF

    def record(self) -> None:
        """From now on write each line to the list, once a process."""
        self.page[1] = (self.page[1] + 1) % 256
        self.page[0] = RECORD

    def kill(self, role: str, file: str, line: int) -> None:
        """Die right before this line."""
        text = f"{role} {file} {line}\n".encode()
        self.page[2 : 2 + len(text)] = text
        self.page[1] = (self.page[1] + 1) % 256
        self.page[0] = KILL

    @property
    def order(self) -> tuple[str, str, int]:
        """Whom `kill` meant, and where."""
        role, file, line = self.page[2 : self.page.find(b"\n", 2)].decode().split(" ")
        return role, file, int(line)

    def wake(self, pid: int) -> None:
        """Have a daemon that is up traced from now on: before the order."""
        self.page[_AWAKE_AT] = 0
        os.kill(pid, self.wake_signal)
        deadline = time.monotonic() + 10
        while not self.page[_AWAKE_AT] and time.monotonic() < deadline:
            time.sleep(0.0005)

    def answer(self) -> None:
        """Say that `wake` was heard."""
        self.page[_AWAKE_AT] = 1

    def strike(self, pid: int) -> None:
        """Kill this one, and nobody else: whoever comes to the line afterwards is not meant."""
        self.page[PAGE_BYTES - 8 :] = pid.to_bytes(8, "big")
        self.page[0] = OFF
        os.kill(pid, signal.SIGKILL)

    @property
    def struck(self) -> int:
        """Who was killed last."""
        return int.from_bytes(self.page[PAGE_BYTES - 8 :], "big")

    @property
    def another_version(self) -> bool:
        """Whether daemons that start now shall think that they come from another version than the keeper."""
        return self.page[_VERSION_AT] != 0

    @another_version.setter
    def another_version(self, value: bool) -> None:
        self.page[_VERSION_AT] = value

    @property
    def list_path(self) -> str:
        """The file of recorded lines: ``role file line``."""
        return self.path + ".lines"
