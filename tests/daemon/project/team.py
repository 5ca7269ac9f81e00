"""A project with a file, as a team has one: written, brought up, looked at."""

from __future__ import annotations

import json
from concurrent.futures import Future
from typing import Any

from tests.daemon.hub import Hub
from tests.kit import WireError, program

__all__ = ["FIRST_LINE", "Team", "toml"]

FIRST_LINE = '{ output = "^ready" }'
"""When one of the tests' programs is ready."""


def toml(value: object) -> str:
    """A text, a list of texts, or a flag, as TOML: for these JSON writes the same."""
    return json.dumps(value)


class Team:
    """Writes ``persistproc.toml`` and asks for the project."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.file = hub.project / "persistproc.toml"

    def write(self, *processes: str, top: str = "") -> None:
        """The whole file."""
        self.file.write_text("\n".join([top, *processes]) + "\n", encoding="utf-8")

    def process(self, name: str, *lines: str, command: list[str] | str | None = None, ready: str = FIRST_LINE) -> str:
        """One process of it; without a command one that sleeps."""
        head = [f"[processes.{toml(name)}]", f"command = {toml(command or program('sleeper'))}"]
        return "\n".join([*head, *([f"ready = {ready}"] if ready else []), *lines, ""])

    def get(self, **params: Any) -> dict[str, Any]:
        """What the project is."""
        found: dict[str, Any] = self.hub.call("get_project", **params)
        return found

    def actions(self, **params: Any) -> dict[str, str]:
        """What would be done, by name."""
        return {each["name"]: each["action"] for each in self.get(**params)["processes"]}

    def approved(self, params: dict[str, Any]) -> dict[str, Any]:
        """The parameters, with the approval of what stands in the file now."""
        return {"approve": self.get()["digest"], **params}

    def up(self, *names: str, **params: Any) -> dict[str, Any]:
        """Bring it up."""
        found: dict[str, Any] = self.hub.call("start_project", **self._named(names, self.approved(params)))
        return found

    def up_aside(self, *names: str, **params: Any) -> Future[Any]:
        """The same in a thread of its own."""
        return self.hub.aside("start_project", **self._named(names, self.approved(params)))

    def up_error(self, *names: str, **params: Any) -> WireError:
        """The error of one that must fail as a whole."""
        return self.hub.error("start_project", **self._named(names, self.approved(params)))

    def down(self, *names: str, **params: Any) -> dict[str, Any]:
        """Take it down."""
        found: dict[str, Any] = self.hub.call("stop_project", **self._named(names, params))
        return found

    @staticmethod
    def _named(names: tuple[str, ...], params: dict[str, Any]) -> dict[str, Any]:
        return {**params, **({"names": list(names)} if names else {})}

    @staticmethod
    def outcomes(reply: dict[str, Any]) -> dict[str, str]:
        """What became of each, by name."""
        return {each["name"]: each["outcome"] for each in reply["results"]}

    @staticmethod
    def result(reply: dict[str, Any], name: str) -> dict[str, Any]:
        """What became of one."""
        (found,) = [each for each in reply["results"] if each["name"] == name]
        return dict(found)

    def runs(self) -> dict[str, int]:
        """The number of each process's newest run."""
        return {name: process["run"] for name, process in self.hub.list().items()}

    def say(self, name: str, text: str) -> None:
        """Type a line into a process that repeats it."""
        self.hub.call("send_process_input", name, input=text)
