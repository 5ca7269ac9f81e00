"""What the service managers have in common, and which one this machine has."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod

from persistproc_core.errors import PersistprocError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .program import Program

__all__ = ["BY_HAND", "ROLES", "Manager", "NoServiceManager", "ServiceFile", "State", "user_name"]

ROLES = ("daemon", "bridge")
"""What can be a service."""

BY_HAND = "have what starts this machine or container, or your login, run: persistproc daemon start"
"""What else starts the daemon where no service manager answers."""


class NoServiceManager(PersistprocError):
    """No service manager that we know is here; nothing was changed."""

    code = "no_service_manager"


class ServiceFile:
    """A file that tells the service manager about one of our programs."""

    __slots__ = ("home", "name", "ours", "path", "role", "text")

    def __init__(self, role: str, name: str, path: str, text: str, *, ours: bool, home: str) -> None:
        self.role = role
        self.name = name
        """What the manager calls it."""
        self.path = path
        self.text = text
        self.ours = ours
        """True when we have written this text."""
        self.home = home
        """The home that it is for, in the manager's notation; empty when it does not say."""


class State:
    """What the manager says of a service."""

    __slots__ = ("active", "enabled", "pid", "problem")

    def __init__(self, *, enabled: bool, active: bool, pid: int | None = None, problem: str = "") -> None:
        self.enabled = enabled
        """It starts at login."""
        self.active = active
        """It runs."""
        self.pid = pid
        """Of its main process."""
        self.problem = problem
        """Why it does not run, where the manager tells; or why it tells nothing."""


class Manager(ABC):
    """A service manager: where its files lie, what stands in them, and which programs talk to it."""

    title = ""
    restart_text = ""
    """What a person types to start the daemon's service anew."""

    @abstractmethod
    def name(self, role: str) -> str:
        """What it calls a service."""

    @abstractmethod
    def look_text(self, role: str) -> str:
        """What a person types to see how a service is, and what it last said."""

    @abstractmethod
    def path(self, role: str) -> str:
        """Where the file lies."""

    @abstractmethod
    def text(self, program: Program) -> str:
        """What should stand in the file. Raises `Unwritable`."""

    @abstractmethod
    def is_ours(self, text: str) -> bool:
        """True when we have written it."""

    @abstractmethod
    def home_of(self, text: str) -> str:
        """The home that a file of ours is for, in its notation; empty when it does not say."""

    @abstractmethod
    def program_of(self, text: str) -> str:
        """The program that a file of ours starts; empty when it does not say."""

    def notation(self, home: str) -> str:
        """A home as a file says it. Raises `Unwritable`."""
        return home

    def planned(self, program: Program) -> ServiceFile:
        """The file that should be there. Raises `Unwritable`."""
        return self.present(program.role, self.text(program))

    def present(self, role: str, text: str) -> ServiceFile:
        """The file with this text."""
        ours = self.is_ours(text)
        return ServiceFile(role, self.name(role), self.path(role), text, ours=ours, home=self.home_of(text))

    @abstractmethod
    def absent(self) -> str:
        """Why it cannot be reached; empty when it can."""

    @abstractmethod
    def state(self, role: str) -> State:
        """What it says of a service."""

    @abstractmethod
    def start_commands(self, changed: list[str], states: dict[str, State]) -> list[list[str]]:
        """Have these services run now and at each login; ``states`` by role, ``changed`` roles have a new text."""

    @abstractmethod
    def stop_commands(self, roles: list[str]) -> list[list[str]]:
        """Have them run no more; before their files are removed."""

    def removed_commands(self) -> list[list[str]]:
        """What has to be said after the files are removed."""
        return []

    def lingers(self) -> bool | None:
        """True when services run without a login; None where there is no such thing."""
        return None

    def linger_commands(self) -> list[list[str]]:
        """Have them do so; none where they do already, or there is no such thing."""
        return []


def user_name() -> str:
    """The name of the user; the number where there is none."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
