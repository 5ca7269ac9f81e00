"""launchd of macOS: where a user's agents lie, and what is said to it and asked of it (launchctl(1))."""

from __future__ import annotations

import os

from .launchd_plist import home_of_plist, is_ours, plist_text, program_of_plist
from .manager import Manager, State
from .running import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .program import Program

__all__ = ["LABELS", "Launchd"]

LABELS = {"daemon": "persistproc.daemon", "bridge": "persistproc.bridge"}


class Launchd(Manager):
    """``launchctl``, in the domain of the user's desktop."""

    title = "launchd"
    restart_text = f"launchctl kickstart -k gui/$(id -u)/{LABELS['daemon']}"

    def name(self, role: str) -> str:
        """What launchd calls it."""
        return LABELS[role]

    def look_text(self, role: str) -> str:
        """``launchctl print``."""
        return f"launchctl print gui/$(id -u)/{LABELS[role]}"

    def text(self, program: Program) -> str:
        """The agent. Raises `Unwritable`."""
        # Not in the home, which the first start makes: launchd starts nothing whose log it cannot open.
        log = os.path.join(os.path.expanduser("~"), "Library", "Logs", f"{LABELS[program.role]}.log")
        return plist_text(LABELS[program.role], program, log)

    def is_ours(self, text: str) -> bool:
        """True for an agent with our comment."""
        return is_ours(text)

    def home_of(self, text: str) -> str:
        """The home, from a key of ours."""
        return home_of_plist(text)

    def program_of(self, text: str) -> str:
        """The first of its arguments."""
        return program_of_plist(text)

    def path(self, role: str) -> str:
        """Where the agent lies."""
        return os.path.join(os.path.expanduser("~"), "Library", "LaunchAgents", f"{LABELS[role]}.plist")

    def absent(self) -> str:
        """Why the user's domain does not answer; empty when it does. Without a desktop (ssh) there is none."""
        return run(["launchctl", "print", self._domain]).problem

    def state(self, role: str) -> State:
        """From ``launchctl print``."""
        asked = run(["launchctl", "print", self._target(role)])
        if asked.code:
            return State(enabled=False, active=False)
        facts: dict[str, str] = {}
        for line in asked.output.splitlines():
            key, _, value = line.strip().partition(" = ")
            # Its own facts come first; the groups that it belongs to have a state as well.
            facts.setdefault(key, value)
        pid = facts.get("pid", "")
        return State(enabled=True, active=facts.get("state") == "running", pid=int(pid) if pid.isdigit() else None)

    def start_commands(self, changed: list[str], states: dict[str, State]) -> list[list[str]]:
        """``bootstrap`` what is not loaded, or has a new text; ``kickstart`` what is."""
        commands: list[list[str]] = []
        for role, state in states.items():
            if state.enabled and role not in changed:
                commands.append(["launchctl", "kickstart", self._target(role)])
                continue
            # What is loaded already cannot be loaded again.
            commands += [["launchctl", "bootout", self._target(role)]] if state.enabled else []
            commands.append(["launchctl", "enable", self._target(role)])
            commands.append(["launchctl", "bootstrap", self._domain, self.path(role)])
        return commands

    def stop_commands(self, roles: list[str]) -> list[list[str]]:
        """``bootout`` what is loaded."""
        return [["launchctl", "bootout", self._target(role)] for role in roles if self.state(role).enabled]

    @property
    def _domain(self) -> str:
        return f"gui/{os.getuid()}"

    def _target(self, role: str) -> str:
        return f"{self._domain}/{LABELS[role]}"
