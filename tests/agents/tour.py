"""A tour of all tools: what each external client is made to call, and what must have become of it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple

from persistproc_mcp.tools.declared import TOOLS
from tests.kit import program

__all__ = ["Step", "check", "steps"]


class Step(NamedTuple):
    """One call, and what its answer must hold."""

    tool: str
    arguments: dict[str, object]
    expected: str
    refused: bool = False
    """Whether the answer is an error."""


def steps(directory: Path, name: str) -> list[Step]:
    """Every tool once, the start first."""
    where: dict[str, object] = {"working_directory": str(directory)}
    process: dict[str, object] = {**where, "process": name}
    command = shlex.join(program("echo_stdin"))
    (directory / "persistproc.toml").write_text(f'[processes.worker]\ncommand = "{command}"\n', "utf-8")
    found = [
        Step("start_process", {**where, "command": command, "name": name, "output": "ready"}, "ready"),
        Step("list_processes", where, name),
        Step("get_process_status", process, name),
        Step("send_process_input", {**process, "input": "hello"}, "got: hello"),
        Step("wait_for_process", {**process, "output": "got: hello", "timeout_seconds": 10}, "got: hello"),
        Step("get_process_output", process, "got: hello"),
        Step("restart_process", {**process, "reason": "the tour", "output": "ready"}, "ready"),
        Step("stop_process", {**process, "force": True}, name),
        Step("get_project", where, "worker"),
        # Nobody has allowed the file, and no agent can.
        Step("start_project", where, "persistproc up", refused=True),
        Step("stop_project", where, "Nothing of"),
        # What runs in the end, for a wait that is given up.
        Step("restart_process", {**process, "output": "ready"}, "ready"),
    ]
    assert {step.tool for step in found} == set(TOOLS)
    return found


def check(step: Step, text: str, failed: bool) -> None:
    """The answer is an error only where it has to be, and holds what it must."""
    assert failed == step.refused, f"{step.tool}: {text}"
    assert step.expected in text, f"{step.tool} does not say {step.expected!r}: {text}"
