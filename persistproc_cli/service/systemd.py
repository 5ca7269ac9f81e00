"""The user's systemd: where its units lie, and what is said to it and asked of it (systemctl(1), loginctl(1))."""

from __future__ import annotations

import os

from .manager import Manager, State, user_name
from .running import run
from .systemd_unit import home_of_unit, is_ours, program_of_unit, quoted, unit_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .program import Program

__all__ = ["LINGER_FOLDER", "UNITS", "Systemd", "lingers"]

UNITS = {"daemon": "persistproc.service", "bridge": "persistproc-bridge.service"}

LINGER_FOLDER = "/var/lib/systemd/linger"
"""systemd-logind keeps a file here for each user whose services run without a login (loginctl(1))."""

_SYSTEMCTL = ["systemctl", "--user"]
_PROPERTIES = "LoadState,UnitFileState,ActiveState,SubState,MainPID,Result"
_STARTED_BY_ITSELF = ("enabled", "enabled-runtime", "static", "linked")


def lingers(user: str, folder: str = LINGER_FOLDER) -> bool:
    """True when the user's services run from boot on, and after the last logout."""
    return os.path.exists(os.path.join(folder, user))


class Systemd(Manager):
    """``systemctl --user``."""

    title = "systemd"
    restart_text = f"systemctl --user restart {UNITS['daemon']}"

    def name(self, role: str) -> str:
        """What systemd calls it."""
        return UNITS[role]

    def look_text(self, role: str) -> str:
        """``systemctl status``."""
        return f"systemctl --user status {UNITS[role]}"

    def text(self, program: Program) -> str:
        """The unit. Raises `Unwritable`."""
        return unit_text(UNITS[program.role], program)

    def is_ours(self, text: str) -> bool:
        """True for a unit with our first line."""
        return is_ours(text)

    def home_of(self, text: str) -> str:
        """The home, quoted."""
        return home_of_unit(text)

    def program_of(self, text: str) -> str:
        """The first word of ``ExecStart``."""
        return program_of_unit(text)

    def notation(self, home: str) -> str:
        """A home as a unit says it. Raises `Unwritable`."""
        return quoted(home)

    def path(self, role: str) -> str:
        """Where the unit lies (systemd.unit(5), user unit search path)."""
        base = os.environ.get("XDG_CONFIG_HOME", "")
        if not os.path.isabs(base):
            base = os.path.join(os.path.expanduser("~"), ".config")
        return os.path.join(base, "systemd", "user", UNITS[role])

    def absent(self) -> str:
        """Why no user manager answers; empty when one does."""
        return run([*_SYSTEMCTL, "show", "--property=Version"]).problem

    def state(self, role: str) -> State:
        """From ``systemctl show``."""
        asked = run([*_SYSTEMCTL, "show", f"--property={_PROPERTIES}", UNITS[role]])
        if asked.code:
            return State(enabled=False, active=False, problem=asked.problem)
        facts = dict(line.partition("=")[::2] for line in asked.output.splitlines())
        pid = facts.get("MainPID", "")
        return State(
            enabled=facts.get("UnitFileState") in _STARTED_BY_ITSELF,
            active=facts.get("ActiveState") in ("active", "reloading"),
            pid=int(pid) if pid.isdigit() and int(pid) else None,
            problem=_problem(facts),
        )

    def start_commands(self, changed: list[str], states: dict[str, State]) -> list[list[str]]:
        """``enable --now``, and a restart for what has a new text."""
        names = [UNITS[role] for role in states]
        commands = [[*_SYSTEMCTL, "daemon-reload"]]
        # One that has failed too often is not started again before this.
        commands += [[*_SYSTEMCTL, "reset-failed", UNITS[role]] for role, state in states.items() if state.problem]
        commands.append([*_SYSTEMCTL, "enable", "--now", *names])
        again = [UNITS[role] for role in changed if states[role].active]
        return [*commands, [*_SYSTEMCTL, "restart", *again]] if again else commands

    def stop_commands(self, roles: list[str]) -> list[list[str]]:
        """``disable --now``."""
        return [[*_SYSTEMCTL, "disable", "--now", *(UNITS[role] for role in roles)]]

    def removed_commands(self) -> list[list[str]]:
        """``daemon-reload``."""
        return [[*_SYSTEMCTL, "daemon-reload"]]

    def lingers(self) -> bool | None:
        """What systemd-logind has on disk."""
        return lingers(user_name())

    def linger_commands(self) -> list[list[str]]:
        """``loginctl enable-linger``."""
        return [] if self.lingers() else [["loginctl", "enable-linger", user_name()]]


def _problem(facts: dict[str, str]) -> str:
    if facts.get("LoadState") == "masked":
        return "it is masked"
    if facts.get("ActiveState") == "failed":
        return f"it has failed ({facts.get('Result') or facts.get('SubState')})"
    return ""
